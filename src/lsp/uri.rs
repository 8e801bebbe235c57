//! Addresses of documents: paths as the URIs that editors send, and back.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use lsp_types::Uri;

/// Returns the file that a URI names; `None` if it names none on this machine.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, path) = rest.split_at(rest.find('/')?);
            (host.is_empty() || host.eq_ignore_ascii_case("localhost")).then_some(path)?
        }
        None => rest,
    };
    let path = decoded(path.split(['?', '#']).next()?)?;
    let path = of_bytes(path)?;
    path.is_absolute().then_some(path)
}

/// Returns the URI of a file; `None` if there is none, as for a relative path.
pub(super) fn of_path(path: &Path) -> Option<Uri> {
    if !path.is_absolute() {
        return None;
    }
    let path = path.as_os_str().as_encoded_bytes();
    let slash = if path.starts_with(b"/") { "" } else { "/" };
    format!("file://{slash}{}", encoded(path)).parse().ok()
}

/// Returns a URI as the standard wants it: some editors leave letters and spaces of paths as they are.
pub(super) fn cleaned(uri: &str) -> Option<Uri> {
    if let Ok(uri) = uri.parse() {
        return Some(uri);
    }
    let mut clean = String::with_capacity(uri.len() + 16);
    for byte in uri.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte) {
            clean.push(char::from(byte));
        } else {
            clean.push_str(&format!("%{byte:02X}"));
        }
    }
    clean.parse().ok()
}

/// Returns a path without links and detours; a file that does not exist is where its folder says.
pub(super) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    if let (Some(folder), Some(name)) = (path.parent(), path.file_name())
        && let Ok(folder) = folder.canonicalize()
    {
        return folder.join(name);
    }
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

fn encoded(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len() + 16);
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
            text.push(char::from(*byte));
        } else if cfg!(windows) && *byte == b'\\' {
            text.push('/');
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Returns the bytes that a text with `%` escapes stands for; `None` for a bad escape or a NUL.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || u8::try_from(char::from(rest.next()?).to_digit(16)?).ok();
                digit()? * 16 + digit()?
            }
            byte => byte,
        };
        bytes.push(Some(byte).filter(|byte| *byte != 0)?);
    }
    Some(bytes)
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    let path = String::from_utf8(bytes).ok()?;
    // `/c:/plans` is a path of drive `c:`.
    let drive = path.as_bytes().get(2) == Some(&b':') && path.starts_with('/');
    Some(PathBuf::from(if drive { &path[1..] } else { &path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_with_spaces_and_korean_letters_survives_the_way_there_and_back() {
        for path in ["/plans/서울 복구/a plan.yaml", "/a+b%20c#d?e.yaml"] {
            let uri = of_path(Path::new(path)).expect("a URI");
            assert!(uri.as_str().is_ascii());
            assert_eq!(path_of(uri.as_str()).as_deref(), Some(Path::new(path)), "{}", uri.as_str());
        }
        let other = "FILE://localhost/a%2db/%EC%84%9C.yaml#top";
        assert_eq!(path_of(other).as_deref(), Some(Path::new("/a-b/서.yaml")));
    }

    #[test]
    fn what_is_no_file_here_has_no_path() {
        for uri in [
            "untitled:Untitled-1",
            "git:/a.yaml",
            "file://server/share/a.yaml",
            "file:a.yaml",
            "file:///a%00b",
            "file:///a%2",
            "x",
        ] {
            assert_eq!(path_of(uri), None, "{uri}");
        }
        assert_eq!(of_path(Path::new("plans/a.yaml")), None);
    }

    #[test]
    fn letters_that_a_uri_may_not_hold_are_escaped() {
        let uri = cleaned("file:///서울 a.yaml").expect("a URI");
        assert_eq!(uri.as_str(), "file:///%EC%84%9C%EC%9A%B8%20a.yaml");
        assert_eq!(cleaned("untitled:Untitled-1").expect("a URI").as_str(), "untitled:Untitled-1");
    }

    #[test]
    fn detours_are_taken_out_of_a_path_that_leads_nowhere() {
        assert_eq!(real(Path::new("/nowhere/a/../b/./c.yaml")), Path::new("/nowhere/b/c.yaml"));
    }
}
