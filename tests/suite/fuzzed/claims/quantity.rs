//! Durations and sizes: read as their grammar says, and printed so that they read back.

use failback::quantity::Bytes;
use failback::quantity::Seconds;

use super::document;

/// What a message may at most hold: it quotes what was written, but not a megabyte of it.
const LONGEST_MESSAGE: usize = 400;
/// A hundred years.
const MOST: u128 = 100 * 366 * 86_400;

/// Asks everything of a text, and of the number that its first bytes are.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    of_duration(&text);
    of_size(&text);
    let mut first = [0; 8];
    first.iter_mut().zip(bytes).for_each(|(first, byte)| *first = *byte);
    let number = u64::from_le_bytes(first);
    for number in [number, number % 100_000_000] {
        of_number(number);
    }
    in_documents(&text);
}

fn of_duration(text: &str) {
    match (Seconds::parse(text), plain_duration(text)) {
        (Ok(read), Some(seconds)) => {
            assert_eq!(u128::from(read.0), seconds, "{text:?}");
            assert_eq!(Seconds::parse(&read.to_string()), Ok(read), "{text:?} is printed as {read}");
        }
        (Err(problem), seconds) => {
            assert!(seconds.is_none_or(|seconds| seconds > MOST), "{text:?}: {problem}");
            assert!(!problem.is_empty() && problem.len() <= LONGEST_MESSAGE, "{problem}");
        }
        (Ok(read), None) => panic!("{text:?} was read as {read}"),
    }
}

/// The grammar, written down a second time: each unit at most once, from large to small, and at least one.
fn plain_duration(text: &str) -> Option<u128> {
    let (mut rest, mut seconds, mut any) = (text, 0_u128, false);
    for (unit, length) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        let Some((number, tail)) = rest.split_once(unit) else { continue };
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            continue;
        }
        // What has more digits is longer than a hundred years, unless they are zeros.
        let number = number.trim_start_matches('0');
        let number = if number.len() > 18 { MOST + 1 } else { format!("0{number}").parse().ok()? };
        (seconds, rest, any) = (seconds + number * length, tail, true);
    }
    (any && rest.is_empty()).then_some(seconds)
}

fn of_size(text: &str) {
    match (Bytes::parse(text), plain_size(text)) {
        (Ok(read), Some(bytes)) => assert_eq!(u128::from(read.0), bytes, "{text:?}"),
        (Err(problem), bytes) => {
            assert!(bytes.is_none_or(|bytes| bytes > u128::from(u64::MAX)), "{text:?}: {problem}");
            assert!(!problem.is_empty() && problem.len() <= LONGEST_MESSAGE, "{problem}");
        }
        (Ok(read), None) => panic!("{text:?} was read as {} bytes", read.0),
    }
}

/// The grammar, written down a second time.
fn plain_size(text: &str) -> Option<u128> {
    const UNITS: [(&str, u32, u128); 9] = [
        ("KiB", 1, 1024),
        ("MiB", 2, 1024),
        ("GiB", 3, 1024),
        ("TiB", 4, 1024),
        ("KB", 1, 1000),
        ("kB", 1, 1000),
        ("MB", 2, 1000),
        ("GB", 3, 1000),
        ("TB", 4, 1000),
    ];
    let units = UNITS.into_iter().chain([("B", 0, 1)]);
    let (number, scale) = units
        .filter_map(|(unit, power, base)| Some((text.strip_suffix(unit)?.trim_end(), base.pow(power))))
        .find(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = number.trim_start_matches('0');
    let number: u128 =
        if number.len() > 24 { u128::from(u64::MAX) + 1 } else { format!("0{number}").parse().ok()? };
    Some(number * scale)
}

fn of_number(number: u64) {
    if u128::from(number) <= MOST {
        let printed = Seconds(number).to_string();
        assert_eq!(Seconds::parse(&printed), Ok(Seconds(number)), "{printed}");
    }
    let printed = Bytes(number).to_string();
    let (shown, unit) = printed.split_once(' ').expect("a size has a unit");
    let size = plain_size(&format!("1 {unit}")).expect("the unit is one");
    let tenths: u128 = match shown.split_once('.') {
        Some((whole, tenth)) => {
            whole.parse::<u128>().expect("digits") * 10 + tenth.parse::<u128>().expect("a digit")
        }
        None => shown.parse::<u128>().expect("digits") * 10,
    };
    let shown = tenths * size;
    assert!(shown.abs_diff(u128::from(number) * 10) * 2 <= size, "{number} bytes are shown as {printed}");
}

/// A value means the same wherever it stands: what the word alone is, the document's value is.
fn in_documents(text: &str) {
    let quoted = serde_json::to_string(text).expect("text is JSON");
    let plain = text.replace(['\n', '\r'], " ");
    for value in [quoted.as_str(), plain.as_str()] {
        document::of_text(&format!(
            "kind: RecoveryPlan\nversion: 1\nname: p\nobjectives: {{rto: {value}}}\nmachines: [a]\n"
        ));
        document::of_text(&format!(
            "kind: Inventory\nversion: 1\nname: i\nmachines:\n- name: a\n  memory_gb: {value}\n  azure_vm:\n    disks: [{{id: d, size_gb: {value}}}]\n"
        ));
    }
    let seconds = Seconds::parse(text).ok().filter(|seconds| seconds.0 > 0);
    let plan =
        format!("kind: RecoveryPlan\nversion: 1\nname: p\nobjectives: {{rto: {quoted}}}\nmachines: [a]\n");
    let read = super::read(&plan);
    assert_eq!(read.diagnostics.is_empty(), seconds.is_some(), "{plan}{:?}", read.diagnostics);
}
