//! Settings that contradict each other, or that would do nothing or too much.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::signature::PublicKey;
use crate::source::Span;
use crate::syntax::decode::quoted;
use crate::syntax::settings::Settings;
use crate::syntax::settings::Traces;
use crate::syntax::settings::notify::Announcement;
use crate::syntax::settings::notify::Smtp;
use crate::syntax::settings::notify::SmtpTls;
use crate::syntax::settings::serve::Serve;
use crate::syntax::settings::serve::User;
use crate::syntax::template;
use crate::syntax::view::View;

use super::is_misspelt;

const TELLS: [&str; 3] = ["webhook", "email", "command"];
const PROVES: [&str; 3] = ["token_file", "token_env", "ssh_keys"];

/// Reports what settings say against themselves.
pub(super) fn check(settings: View<'_, '_>, read: Option<&Settings>, found: &mut Vec<Diagnostic>) {
    if let Some(serve) = settings.get("serve") {
        check_serve(serve, read.and_then(|read| read.serve.as_ref()), found);
    }
    if let Some(smtp) = settings.get("smtp").filter(|smtp| smtp.is_mapping()) {
        check_smtp(smtp, found);
    }
    for (at, told) in settings.list("notify").enumerate().filter(|(_, told)| told.is_mapping()) {
        check_told(told, settings, &format!("notify[{at}]"), found);
    }
    check_live_drills(settings, found);
    if let Some(traces) = settings.get("traces").filter(|traces| traces.is_mapping()) {
        not_both(traces, ["endpoint", "from_environment"], "traces", found);
        let keys = ["endpoint", "from_environment"];
        if keys.iter().all(|key| traces.get(key).is_none()) && !is_misspelt(traces, &keys, Traces::KEYS) {
            let help = "add `endpoint:`, or `from_environment: true`";
            found.push(bad(traces.span(), "the traces go nowhere", help, "traces"));
        }
    }
}

fn check_serve(serve: View<'_, '_>, read: Option<&Serve>, found: &mut Vec<Diagnostic>) {
    if let Some(listen) = read.and_then(|read| read.listen.as_ref())
        && !listen.value.0.ip().is_loopback()
        && serve.get("tls").is_none()
        && !is_misspelt(serve, &["tls"], Serve::KEYS)
    {
        let message = format!("{} is no loopback address, and there is no `tls`", listen.value.0);
        found.push(
            Diagnostic::error("plain-http", listen.span, message)
                .help("add `tls: {certificate: …, key: …}`, or listen on 127.0.0.1: tokens are not sent in the clear")
                .path("serve.listen"),
        );
    }
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut keys: HashMap<String, Span> = HashMap::new();
    for (at, user) in serve.list("users").enumerate().filter(|(_, user)| user.is_mapping()) {
        let path = format!("serve.users[{at}]");
        let named = user.get("name").filter(|name| name.text().is_some());
        if let Some((name, span)) = named.and_then(|name| Some((name.text()?, name.span()))) {
            let first = *seen.entry(name).or_insert(span);
            if first != span {
                found.push(
                    Diagnostic::error(
                        "duplicate-name",
                        span,
                        format!("a second user is named {}", quoted(name)),
                    )
                    .label(first, "the first one is here")
                    .help("give each user its own name")
                    .path(format!("{path}.name")),
                );
            }
        }
        let span = named.unwrap_or(user).span();
        if PROVES.iter().all(|key| user.get(key).is_none()) && !is_misspelt(user, &PROVES, User::KEYS) {
            let help = "add `token_file`, `token_env` or `ssh_keys`";
            found.push(bad(span, "the user has nothing to sign in with", help, &path));
        }
        not_both(user, ["token_file", "token_env"], &path, found);
        check_keys(user, &path, &mut keys, found);
    }
}

/// Reports what is no key that signs, and a key of two people: a signature would show neither.
fn check_keys<'v>(
    user: View<'v, '_>,
    path: &str,
    keys: &mut HashMap<String, Span>,
    found: &mut Vec<Diagnostic>,
) {
    for (at, key) in user.list("ssh_keys").enumerate() {
        let Some(text) = key.text() else { continue };
        let path = format!("{path}.ssh_keys[{at}]");
        match PublicKey::parse(text) {
            Ok((read, _)) => {
                let first = *keys.entry(read.line()).or_insert(key.span());
                if first != key.span() {
                    found.push(
                        Diagnostic::error("duplicate-key", key.span(), "the key is listed already")
                            .label(first, "the first place is here")
                            .help("a signature shows one person: keep the key there")
                            .path(path),
                    );
                }
            }
            Err(why) => {
                let help = "write a line as in `id_ed25519.pub`: ssh-ed25519 AAAA… name";
                found.push(bad(key.span(), why, help, &path));
            }
        }
    }
}

fn check_smtp(smtp: View<'_, '_>, found: &mut Vec<Diagnostic>) {
    not_both(smtp, ["password_file", "password_env"], "smtp", found);
    let password = smtp.get("password_file").or_else(|| smtp.get("password_env"));
    let lacks = |key: &'static str| smtp.get(key).is_none() && !is_misspelt(smtp, &[key], Smtp::KEYS);
    match (smtp.get("username"), password) {
        (None, Some(password)) if lacks("username") => {
            let help = "add `username:`, or delete the password";
            found.push(bad(password.span(), "there is a password and no `username`", help, "smtp"));
        }
        (Some(username), None) if lacks("password_file") && lacks("password_env") => {
            let help = "add `password_file:` or `password_env:`";
            found.push(bad(username.span(), "there is a `username` and no password", help, "smtp"));
        }
        (None | Some(_), None | Some(_)) => {}
    }
    let tls = smtp.get("tls").filter(|tls| tls.text() == Some(SmtpTls::None.as_str()));
    if let (Some(tls), Some(host)) = (tls, smtp.get("host").and_then(View::text)) {
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !is_here {
            let message = format!("mail to {} would be sent in the clear", quoted(host));
            found.push(bad(tls.span(), message, "write `starttls` or `implicit`", "smtp.tls"));
        }
    }
    if let Some(from) = smtp.get("from") {
        check_address(from, "smtp.from", found);
    }
}

fn check_told(told: View<'_, '_>, settings: View<'_, '_>, path: &str, found: &mut Vec<Diagnostic>) {
    let events = told.get("events").unwrap_or(told).span();
    if TELLS.iter().all(|key| told.get(key).is_none()) && !is_misspelt(told, &TELLS, Announcement::KEYS) {
        found.push(bad(events, "nobody is told", "add `webhook`, `email` or `command`", path));
    }
    if let Some(webhook) = told.get("webhook").filter(|webhook| webhook.is_mapping()) {
        let path = format!("{path}.webhook");
        not_both(webhook, ["secret_file", "secret_env"], &path, found);
        let place = webhook.get("url").unwrap_or(webhook);
        if let Some(body) = webhook.get("body") {
            check_body(body, place, &format!("{path}.body"), found);
        }
    }
    let Some(email) = told.get("email").filter(|email| email.is_mapping()) else { return };
    if settings.get("smtp").is_none() && !is_misspelt(settings, &["smtp"], Settings::KEYS) {
        let help = "add `smtp:` with the server that mail is sent through";
        found.push(bad(email.span(), "there is no `smtp` to send mail with", help, &format!("{path}.email")));
    }
    for (at, to) in email.list("to").enumerate() {
        check_address(to, &format!("{path}.email.to[{at}]"), found);
    }
    if let Some(subject) = email.get("subject") {
        check_body(subject, subject, &format!("{path}.email.subject"), found);
    }
}

/// Reports the first variable of the texts of a notice that there is not.
pub(super) fn check_body(body: View<'_, '_>, place: View<'_, '_>, path: &str, found: &mut Vec<Diagnostic>) {
    let Some(variable) = super::action::unknown_variable(body, &template::NOTICE_VARIABLES) else { return };
    let message = format!("the text speaks of {}, which there is not", quoted(&variable));
    let help = format!("known: {}", template::NOTICE_VARIABLES.join(", "));
    found.push(bad(place.span(), message, help, path));
}

/// Reports what is no address of a mail box: `name@host`, without a name beside it.
fn check_address(address: View<'_, '_>, path: &str, found: &mut Vec<Diagnostic>) {
    let Some(text) = address.text() else { return };
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>,;:\"\\".contains(letter);
    let is_address = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(is_odd)
    });
    if !is_address {
        let message = format!("{} is not the address of a mail box", quoted(text));
        found.push(
            Diagnostic::error("bad-address", address.span(), message)
                .help("write it as dr@corp.example")
                .path(path),
        );
    }
}

fn check_live_drills(settings: View<'_, '_>, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<(&str, &str), Span> = HashMap::new();
    for (at, live) in settings.list("live_drills").enumerate() {
        let (Some(plan), Some(drill)) = (live.get("plan"), live.get("drill")) else { continue };
        let (Some(name), Some(of)) = (drill.text(), plan.text()) else { continue };
        let first = *seen.entry((of, name)).or_insert(drill.span());
        if first != drill.span() {
            let message = format!("drill {} of {} is listed already", quoted(name), quoted(of));
            found.push(
                Diagnostic::error("duplicate-name", drill.span(), message)
                    .label(first, "the first place is here")
                    .help("keep one digest for each drill")
                    .path(format!("live_drills[{at}].drill")),
            );
        }
    }
}

fn not_both(block: View<'_, '_>, [one, other]: [&str; 2], path: &str, found: &mut Vec<Diagnostic>) {
    if let (Some(_), Some(second)) = (block.get(one), block.get(other)) {
        let message = format!("there are both `{one}` and `{other}`");
        found.push(bad(second.span(), message, "keep one of them", path));
    }
}

fn bad(span: Span, message: impl Into<String>, help: impl Into<String>, path: &str) -> Diagnostic {
    Diagnostic::error("bad-settings", span, message).help(help).path(path)
}
