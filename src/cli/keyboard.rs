//! The terminal's input, read so that waiting for it can end.

pub(super) use here::Keys;
pub(super) use here::Quiet;
pub(super) use here::forget_typed;
pub(super) use here::line;
pub(super) use here::restore;

/// What a pressed key means for the line that is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// The line is another one.
    Changed,
    /// The line is whole.
    Entered,
    /// The input has ended.
    Ended,
    /// Nothing.
    Nothing,
}

/// A line of plain words that is typed key by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    text: String,
    /// Whether the bytes of a key that is no letter follow.
    in_sequence: bool,
}

impl Typed {
    /// Returns what was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes the line, so that another one begins.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Takes one byte of the terminal.
    pub(super) fn press(&mut self, byte: u8) -> Pressed {
        if std::mem::replace(&mut self.in_sequence, false) {
            // The arrows and their like: ESC, `[` or `O`, numbers, and one letter at the end.
            self.in_sequence = matches!(byte, b'[' | b'O' | b'0'..=b'9' | b';');
            return Pressed::Nothing;
        }
        match byte {
            b'\n' | b'\r' => Pressed::Entered,
            4 if self.text.is_empty() => Pressed::Ended,
            0x1b => {
                self.in_sequence = true;
                Pressed::Nothing
            }
            8 | 0x7f => {
                self.text.pop();
                Pressed::Changed
            }
            // Ctrl-U.
            0x15 => {
                self.text.clear();
                Pressed::Changed
            }
            b' '..=b'~' if self.text.len() < 40 => {
                self.text.push(char::from(byte));
                Pressed::Changed
            }
            _ => Pressed::Nothing,
        }
    }
}

#[cfg(unix)]
mod here {
    use std::sync::Mutex;

    use rustix::event::PollFd;
    use rustix::event::PollFlags;
    use rustix::event::Timespec;
    use rustix::event::poll;
    use rustix::process::getpgrp;
    use rustix::termios::LocalModes;
    use rustix::termios::OptionalActions;
    use rustix::termios::QueueSelector;
    use rustix::termios::SpecialCodeIndex;
    use rustix::termios::Termios;
    use rustix::termios::tcflush;
    use rustix::termios::tcgetattr;
    use rustix::termios::tcgetpgrp;
    use rustix::termios::tcsetattr;

    /// How often a wait asks whether it is over, in nanoseconds.
    const GLANCE: i64 = 100_000_000;

    /// How the terminal was before anything was changed about it, and whether what is typed is not to be shown.
    #[derive(Debug)]
    struct Modes {
        before: Option<Termios>,
        is_quiet: bool,
    }

    static MODES: Mutex<Modes> = Mutex::new(Modes { before: None, is_quiet: false });

    impl Modes {
        /// Sets the terminal to how it was before, with what a function changes; `None` if the input is no terminal.
        fn set(&mut self, change: impl FnOnce(&mut Termios)) -> Option<()> {
            // Whoever changes a terminal that others have now is stopped.
            if tcgetpgrp(std::io::stdin()).ok()? != getpgrp() {
                return None;
            }
            let before = match &self.before {
                Some(before) => before.clone(),
                None => self.before.insert(tcgetattr(std::io::stdin()).ok()?).clone(),
            };
            let mut modes = before;
            change(&mut modes);
            tcsetattr(std::io::stdin(), OptionalActions::Now, &modes).ok()
        }
    }

    /// Gives the terminal back as it was.
    pub(in crate::cli) fn restore() {
        if let Ok(mut modes) = MODES.lock()
            && modes.before.is_some()
        {
            // A terminal that is gone needs nothing back.
            let _ = modes.set(|_| {});
            *modes = Modes { before: None, is_quiet: false };
        }
    }

    /// While it lives, what is typed is not shown: the terminal would write it into the bars, and move them by it.
    #[derive(Debug)]
    pub(in crate::cli) struct Quiet(());

    impl Quiet {
        /// Begins; nothing happens if the input is no terminal.
        pub(in crate::cli) fn begin() -> Self {
            if let Ok(mut modes) = MODES.lock() {
                modes.is_quiet = modes.set(|modes| modes.local_modes.remove(LocalModes::ECHO)).is_some();
            }
            Self(())
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            restore();
        }
    }

    /// The terminal's keys, one by one, shown by whoever reads them; Ctrl-C still interrupts.
    #[derive(Debug)]
    pub(in crate::cli) struct Keys(());

    impl Keys {
        /// Begins to read keys; `None` if the input is no terminal.
        pub(in crate::cli) fn read() -> Option<Self> {
            let mut modes = MODES.lock().ok()?;
            modes.set(|modes| {
                modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            })?;
            Some(Self(()))
        }

        /// Returns the next byte; `Some(None)` if the wait is over before there is one, `None` if the input has ended.
        pub(in crate::cli) fn next(&self, is_over: &dyn Fn() -> bool) -> Option<Option<u8>> {
            byte(is_over)
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            match MODES.lock() {
                Ok(mut modes) if modes.is_quiet => {
                    // A terminal that is gone shows nothing.
                    let _ = modes.set(|modes| modes.local_modes.remove(LocalModes::ECHO));
                    return;
                }
                Ok(_) | Err(_) => {}
            }
            restore();
        }
    }

    /// Drops what was typed and not read.
    pub(in crate::cli) fn forget_typed() {
        // An input that is no terminal has nothing typed.
        let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    }

    /// Returns the next line; `Some(None)` if the wait is over before there is one, `None` if the input has ended.
    ///
    /// It reads past the standard library's buffer, which would hold on to lines that answer nothing.
    pub(in crate::cli) fn line(is_over: &dyn Fn() -> bool) -> Option<Option<String>> {
        let mut typed = Vec::new();
        loop {
            match byte(is_over)? {
                None => return Some(None),
                Some(b'\n') => return Some(Some(String::from_utf8_lossy(&typed).into_owned())),
                Some(byte) => typed.push(byte),
            }
        }
    }

    fn byte(is_over: &dyn Fn() -> bool) -> Option<Option<u8>> {
        let stdin = std::io::stdin();
        loop {
            if is_over() {
                forget_typed();
                return Some(None);
            }
            let mut wanted = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: GLANCE })) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return None,
            }
            let mut byte = [0_u8; 1];
            match rustix::io::read(&stdin, &mut byte) {
                Ok(0) => return None,
                Ok(_) => return Some(Some(byte[0])),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }
}

/// A wait can't end where the system has no words for that.
#[cfg(not(unix))]
mod here {
    pub(in crate::cli) fn forget_typed() {}

    pub(in crate::cli) fn restore() {}

    /// What is typed is shown here.
    #[derive(Debug)]
    pub(in crate::cli) struct Quiet(());

    impl Quiet {
        pub(in crate::cli) const fn begin() -> Self {
            Self(())
        }
    }

    /// Keys are read by lines here.
    #[derive(Debug)]
    pub(in crate::cli) enum Keys {}

    impl Keys {
        pub(in crate::cli) const fn read() -> Option<Self> {
            None
        }

        pub(in crate::cli) fn next(&self, _is_over: &dyn Fn() -> bool) -> Option<Option<u8>> {
            match *self {}
        }
    }

    pub(in crate::cli) fn line(_is_over: &dyn Fn() -> bool) -> Option<Option<String>> {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(Some(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types some bytes; returns what each meant that meant anything, and the line after them.
    fn typed(bytes: &[u8]) -> (Vec<Pressed>, String) {
        let mut typed = Typed::default();
        let pressed = bytes.iter().map(|byte| typed.press(*byte));
        let pressed =
            pressed.filter(|pressed| !matches!(pressed, Pressed::Nothing | Pressed::Changed)).collect();
        (pressed, typed.text().to_owned())
    }

    #[test]
    fn a_line_is_typed_and_mended_and_entered() {
        assert_eq!(typed(b"yes\n"), (vec![Pressed::Entered], "yes".into()));
        assert_eq!(typed(b"nope\x7f\x7f\x08"), (vec![], "n".into()));
        assert_eq!(typed(b"\x7fwhat\x15no"), (vec![], "no".into()));
        assert_eq!(typed(&[b'y'; 90]).1.len(), 40);
    }

    #[test]
    fn other_keys_and_letters_of_other_scripts_type_nothing() {
        assert_eq!(typed(b"y\x1b[A\x1b[1;5C\x1bOP\te\x01s").1, "yes");
        assert_eq!(typed("é\u{202e}".as_bytes()).1, "");
    }

    #[test]
    fn the_input_ends_where_nothing_is_typed_yet() {
        assert_eq!(typed(b"\x04"), (vec![Pressed::Ended], String::new()));
        assert_eq!(typed(b"y\x04"), (vec![], "y".into()));
    }
}
