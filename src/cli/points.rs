//! What recovery points mean for each replication group, in words.

use std::fmt::Write as _;

use crate::escape;
use crate::quantity::Seconds;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::render::summary::minute;
use crate::rules::consistency::GroupPoints;
use crate::rules::consistency::MemberPoints;
use crate::rules::consistency::Outlook;

/// Members that are told one by one; the others are counted.
const TOLD: usize = 20;
/// Members that a sentence names.
const NAMED: usize = 6;

/// Writes what each choice of recovery point would mean for each group, as the facts stand; nothing if there is no group.
pub fn section(text: &mut String, groups: &[GroupPoints], style: Style) {
    if groups.is_empty() {
        return;
    }
    let head = "recovery points of replication groups; what a failover at the time of the facts would lose:";
    let _ = writeln!(text, "{}", style.paint(Tone::Strong, head));
    for group in groups {
        let name = style.paint(Tone::Strong, escape::line(&group.group).into_owned());
        let choice = group.choice.map_or("a choice that is not known", crate::model::PointChoice::as_str);
        let _ =
            writeln!(text, "  {name} goes to {choice}; newest common point: {}", common(&group.common_point));
        let width = group.members.iter().map(|member| member.machine.chars().count()).max().unwrap_or(0);
        for member in group.members.iter().take(TOLD) {
            let machine = escape::line(&member.machine).into_owned();
            let _ = writeln!(text, "    {machine:width$}  {}", choices(member));
        }
        if group.members.len() > TOLD {
            let _ = writeln!(text, "    … and {} more members", group.members.len() - TOLD);
        }
        for breaking in &group.breaks {
            let machines: Vec<_> =
                breaking.machines.iter().take(NAMED).map(|name| escape::line(name)).collect();
            let mut of = machines.join(", ");
            if breaking.machines.len() > NAMED {
                let _ = write!(of, " and {} more", breaking.machines.len() - NAMED);
            }
            let of = if of.is_empty() { of } else { format!("{of}: ") };
            let mark = style.paint(Tone::Warning, "breaks consistency");
            let _ = writeln!(text, "    {mark}: {of}{}", escape::line(&breaking.text));
        }
    }
}

fn common(outlook: &Outlook) -> String {
    match outlook {
        Outlook::Known { at, loss_s, group_point } => {
            let at = at.map_or_else(|| "at a time that is not known".to_owned(), minute);
            let word =
                group_point.as_ref().map_or_else(String::new, |word| format!(" ({})", escape::line(word)));
            let behind =
                loss_s.map_or_else(String::new, |loss| format!(", {} before the facts", Seconds(loss)));
            format!("{at}{word}{behind}")
        }
        Outlook::None => "none yet".to_owned(),
        Outlook::MadeAtFailover => "made when the machines are shut down".to_owned(),
        Outlook::Unknown { fact, of } => format!("not known (`{fact}` of {})", escape::line(of)),
    }
}

fn choices(member: &MemberPoints) -> String {
    let told = member.choices.iter().map(|prospect| {
        let kind = prospect.kind.as_str();
        match &prospect.outlook {
            Outlook::Known { loss_s: Some(loss), .. } => format!("{kind}: {}", Seconds(*loss)),
            Outlook::Known { loss_s: None, .. } => format!("{kind}: of a time that is not known"),
            Outlook::None => format!("{kind}: no point yet"),
            Outlook::MadeAtFailover => format!("{kind}: nothing"),
            Outlook::Unknown { fact, .. } => format!("{kind}: not known (`{fact}`)"),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}
