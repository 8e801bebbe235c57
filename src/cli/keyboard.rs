//! The terminal's input, read so that waiting for it can end.

pub(super) use here::forget_typed;
pub(super) use here::line;

#[cfg(unix)]
mod here {
    use rustix::event::PollFd;
    use rustix::event::PollFlags;
    use rustix::event::Timespec;
    use rustix::event::poll;
    use rustix::termios::QueueSelector;
    use rustix::termios::tcflush;

    /// How often a wait asks whether it is over, in nanoseconds.
    const GLANCE: i64 = 100_000_000;

    /// Drops what was typed and not read.
    pub(in crate::cli) fn forget_typed() {
        // An input that is no terminal has nothing typed.
        let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    }

    /// Returns the next line; `Some(None)` if the wait is over before there is one, `None` if the input has ended.
    ///
    /// It reads past the standard library's buffer, which would hold on to lines that answer nothing.
    pub(in crate::cli) fn line(is_over: &dyn Fn() -> bool) -> Option<Option<String>> {
        let stdin = std::io::stdin();
        let mut typed = Vec::new();
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
                Ok(_) if byte[0] == b'\n' => return Some(Some(String::from_utf8_lossy(&typed).into_owned())),
                Ok(_) => typed.push(byte[0]),
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

    pub(in crate::cli) fn line(_is_over: &dyn Fn() -> bool) -> Option<Option<String>> {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(Some(line)),
        }
    }
}
