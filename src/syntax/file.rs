//! Reads a file from disk as text, without trusting what it is or how large it is.

use std::fs::File;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::diagnostic::did_you_mean;

/// Bytes that are read from one file unless a command sets another limit: 256 MiB, about seven times
/// an inventory of 100,000 machines.
pub const DEFAULT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How many names of a folder are compared with the name of a file that does not exist.
const NAMES_COMPARED: usize = 1000;

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, with U+FFFD in the place of what is not UTF-8.
    pub text: String,
    /// Whether anything of the file was not UTF-8, which [`crate::source::Sources::set_lossy`] must be told.
    pub bad_utf8: bool,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing has this name.
    #[error("`{}` does not exist", path.display())]
    NotFound {
        /// The name that was asked for.
        path: PathBuf,
        /// What was probably meant, if a near name exists.
        help: Option<String>,
    },
    /// It is a folder.
    #[error("`{}` is a folder, not a file", path.display())]
    Directory {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// It is a pipe, a socket or a device, whose reading might never end.
    #[error("`{}` is a pipe, socket or device, not a file", path.display())]
    NotRegular {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// It holds more bytes than may be read.
    #[error("`{}` has {size} bytes or more; the limit is {limit}", path.display())]
    TooLarge {
        /// The name that was asked for.
        path: PathBuf,
        /// Bytes it holds, as far as is known.
        size: u64,
        /// Bytes that may be read.
        limit: u64,
    },
    /// It is encoded as UTF-16.
    #[error("`{}` is UTF-16, not UTF-8", path.display())]
    Utf16 {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// It is encoded as UTF-32.
    #[error("`{}` is UTF-32, not UTF-8", path.display())]
    Utf32 {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// It is a link that leads out of the workspace.
    #[error("`{}` is a link to a place outside the workspace", path.display())]
    Outside {
        /// The name that was found.
        path: PathBuf,
    },
    /// It is a link that leads to itself, or to one that leads back.
    #[error("`{}` is a link that leads to itself", path.display())]
    Endless {
        /// The name that was found.
        path: PathBuf,
    },
    /// The system refused to open it.
    #[error("no permission to read `{}`", path.display())]
    PermissionDenied {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// The system failed for another reason.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The name that was asked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

impl FileError {
    /// Returns the same error about a path as a person wrote it, which may be shorter than the one that was opened.
    #[must_use]
    pub fn with_path(mut self, shown: &Path) -> Self {
        match &mut self {
            Self::NotFound { path, .. }
            | Self::Directory { path }
            | Self::NotRegular { path }
            | Self::TooLarge { path, .. }
            | Self::Utf16 { path }
            | Self::Utf32 { path }
            | Self::Outside { path }
            | Self::Endless { path }
            | Self::PermissionDenied { path }
            | Self::Io { path, .. } => shown.clone_into(path),
        }
        self
    }

    /// Returns what to do about it, if there is more to say than the error itself says.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::NotFound { help, .. } => help.as_deref(),
            Self::Directory { .. } => Some("name a file in it"),
            Self::NotRegular { .. } => Some("save the text to a file and name that"),
            Self::TooLarge { .. } => Some("split it into several files"),
            Self::Utf16 { .. } | Self::Utf32 { .. } => Some("save it as UTF-8"),
            Self::Outside { .. } => Some("name the file itself if it is meant, or remove the link"),
            Self::Endless { .. } => Some("remove the link, or make it lead to a file"),
            Self::PermissionDenied { .. } => Some("check the owner and mode of the file and of its folders"),
            Self::Io { .. } => None,
        }
    }
}

/// Reads a file of at most `max_bytes`; never opens a pipe, socket or device, where opening can block.
///
/// # Errors
///
/// [`FileError`] if it is not a file, is too large, is UTF-16 or UTF-32, or cannot be read. Bytes that are not
/// UTF-8 are no error, but make [`Text::bad_utf8`] true.
pub fn read_file(path: &Path, max_bytes: u64) -> Result<Text, FileError> {
    check_kind(path, &std::fs::metadata(path).map_err(|error| failure(path, error))?)?;
    let file = File::open(path).map_err(|error| failure(path, error))?;
    // The name may point elsewhere since it was looked at: what was opened decides.
    let metadata = file.metadata().map_err(|error| failure(path, error))?;
    check_kind(path, &metadata)?;
    let too_large = |size| FileError::TooLarge { path: path.to_owned(), size, limit: max_bytes };
    if metadata.len() > max_bytes {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    // The file may grow meanwhile, and files such as those of /proc state no size at all.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failure(path, error))?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_large(bytes.len() as u64));
    }
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(FileError::Utf32 { path: path.to_owned() });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(FileError::Utf16 { path: path.to_owned() });
    }
    Ok(text_of(bytes))
}

/// Returns bytes as text, with U+FFFD in the place of what is not UTF-8.
#[must_use]
pub fn text_of(bytes: Vec<u8>) -> Text {
    String::from_utf8(bytes).map_or_else(
        |error| Text { text: String::from_utf8_lossy(error.as_bytes()).into_owned(), bad_utf8: true },
        |text| Text { text, bad_utf8: false },
    )
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_dir() {
        return Err(FileError::Directory { path: path.to_owned() });
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular { path: path.to_owned() });
    }
    Ok(())
}

fn failure(path: &Path, error: std::io::Error) -> FileError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound => FileError::NotFound { help: near_name(&path), path },
        ErrorKind::PermissionDenied => FileError::PermissionDenied { path },
        ErrorKind::IsADirectory => FileError::Directory { path },
        _ => FileError::Io { path, error },
    }
}

fn near_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    if !folder.exists() {
        return Some(format!("the folder `{}` does not exist either", folder.display()));
    }
    let entries = std::fs::read_dir(folder).ok()?;
    let names: Vec<String> =
        entries.take(NAMES_COMPARED).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    did_you_mean(name, names.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax::yaml::Limits;

    fn saved(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan.yaml");
        std::fs::write(&path, bytes).expect("written");
        (folder, path)
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let (_folder, path) = saved("이름: x\n".as_bytes());
        let size = "이름: x\n".len() as u64;
        let text = read_file(&path, size).expect("fits");
        assert_eq!(text, Text { text: "이름: x\n".into(), bad_utf8: false });
        let error = read_file(&path, size - 1).expect_err("too large");
        assert!(
            matches!(error, FileError::TooLarge { size: found, limit, .. } if found == size && limit == size - 1)
        );
    }

    #[test]
    fn a_bad_byte_is_found_at_its_line_and_column() {
        let (_folder, path) = saved(b"a: 1\nb: \xea\xb0\x80\xff rest\n");
        let text = read_file(&path, DEFAULT_MAX_BYTES).expect("readable");
        assert_eq!(text, Text { text: "a: 1\nb: 가\u{fffd} rest\n".into(), bad_utf8: true });
        let mut sources = Sources::new();
        let index = sources.add("plan.yaml", text.text).expect("fits");
        sources.set_lossy(index, text.bad_utf8);
        let mut mistakes = Vec::new();
        crate::syntax::yaml::read(sources.get(index), &Limits::default(), &mut mistakes);
        let place = sources.locate(mistakes[0].span).expect("in the text");
        assert_eq!((mistakes[0].code, mistakes.len()), ("bad-utf8", 1));
        assert_eq!((place.start.line, place.start.column, place.end.column), (2, 5, 6));
    }

    #[test]
    fn text_cut_inside_a_character_is_bad_at_its_first_byte() {
        let text = text_of(b"a: \xea\xb0".to_vec());
        assert_eq!((text.text.as_str(), text.bad_utf8), ("a: \u{fffd}", true));
    }

    #[test]
    fn utf_16_is_named() {
        for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
            let (_folder, path) = saved(&[mark[0], mark[1], b'a', 0, b':', 0]);
            let error = read_file(&path, DEFAULT_MAX_BYTES).expect_err("refused");
            assert!(matches!(error, FileError::Utf16 { .. }));
            assert_eq!(error.help(), Some("save it as UTF-8"));
        }
    }

    #[test]
    fn utf_32_is_named_as_what_it_is() {
        for bytes in [*b"\xff\xfe\0\0k\0\0\0", *b"\0\0\xfe\xff\0\0\0k"] {
            let (_folder, path) = saved(&bytes);
            let error = read_file(&path, DEFAULT_MAX_BYTES).expect_err("refused");
            assert!(error.to_string().ends_with("is UTF-32, not UTF-8"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_suggests_the_one_beside_it() {
        let (folder, _path) = saved(b"");
        let error = read_file(&folder.path().join("plna.yaml"), 10).expect_err("missing");
        assert!(matches!(error, FileError::NotFound { .. }));
        assert_eq!(error.help(), Some("did you mean `plan.yaml`?"));
        let error = read_file(&folder.path().join("x/plan.yaml"), 10).expect_err("missing");
        assert!(error.help().expect("help").ends_with("does not exist either"));
    }

    #[test]
    fn a_folder_is_not_read() {
        let (folder, _path) = saved(b"");
        assert!(matches!(read_file(folder.path(), 10), Err(FileError::Directory { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_sockets_and_devices_are_refused_without_being_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).expect("linked");
        for path in [pipe.as_path(), &socket, &link, Path::new("/dev/zero")] {
            assert!(matches!(read_file(path, 10), Err(FileError::NotRegular { .. })), "{}", path.display());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_states_no_size_is_still_bounded() {
        let error = read_file(Path::new("/proc/self/status"), 10).expect_err("it is longer");
        assert!(matches!(error, FileError::TooLarge { size: 11, limit: 10, .. }));
    }
}
