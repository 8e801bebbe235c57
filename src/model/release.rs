//! Releases of operating systems: the words that are known, in their order.

/// A release of Windows Server; the order of the variants is that of the releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WindowsServer {
    /// Windows Server 2003.
    V2003,
    /// Windows Server 2003 R2.
    V2003R2,
    /// Windows Server 2008.
    V2008,
    /// Windows Server 2008 R2.
    V2008R2,
    /// Windows Server 2012.
    V2012,
    /// Windows Server 2012 R2.
    V2012R2,
    /// Windows Server 2016.
    V2016,
    /// Windows Server 2019.
    V2019,
    /// Windows Server 2022.
    V2022,
    /// Windows Server 2025.
    V2025,
}

impl WindowsServer {
    /// Returns the release that a word of `os.release` stands for, and the service pack if the word has one
    /// (`windows_server_2008_r2`, `windows_server_2008_r2_sp1`); `None` for a word that is not known.
    ///
    /// Case does not count, nor whether words are parted by `_`, `-` or a space.
    #[must_use]
    pub fn from_release(word: &str) -> Option<(Self, Option<u8>)> {
        let word = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let release = word.strip_prefix("windows_server_")?;
        let (release, service_pack) = match release.rsplit_once("_sp") {
            Some((release, number)) => (release, Some(number.parse().ok()?)),
            None => (release, None),
        };
        let version = match release {
            "2003" => Self::V2003,
            "2003_r2" => Self::V2003R2,
            "2008" => Self::V2008,
            "2008_r2" => Self::V2008R2,
            "2012" => Self::V2012,
            "2012_r2" => Self::V2012R2,
            "2016" => Self::V2016,
            "2019" => Self::V2019,
            "2022" => Self::V2022,
            "2025" => Self::V2025,
            _ => return None,
        };
        Some((version, service_pack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_however_its_words_are_parted() {
        for word in ["windows_server_2008_r2", "Windows Server 2008 R2", "windows-server-2008-r2"] {
            assert_eq!(WindowsServer::from_release(word), Some((WindowsServer::V2008R2, None)), "{word}");
        }
        let with_service_pack = WindowsServer::from_release("windows_server_2008_r2_sp1");
        assert_eq!(with_service_pack, Some((WindowsServer::V2008R2, Some(1))));
    }

    #[test]
    fn an_unknown_release_has_no_place_in_the_order() {
        for word in ["rhel_7_9", "windows_10", "windows_server_2008_r3", "windows_server_2008_r2_spx", ""] {
            assert_eq!(WindowsServer::from_release(word), None, "{word}");
        }
    }

    #[test]
    fn a_later_release_is_greater() {
        let rank = |word| WindowsServer::from_release(word).expect("the word is known").0;
        assert!(rank("windows_server_2012") > rank("windows_server_2008_r2"));
        assert!(rank("windows_server_2012_r2") > rank("windows_server_2012"));
        assert!(rank("windows_server_2025") > rank("windows_server_2022"));
    }
}
