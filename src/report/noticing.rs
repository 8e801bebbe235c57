//! An output that remembers that it could not be written: the run goes on, and whoever started it is told.

use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::OnceLock;

/// Why an output could not be written any more, once it could not.
pub type Lost = Arc<OnceLock<String>>;

/// An output that remembers its first failure. A reader that has gone away is none.
#[derive(Debug)]
pub struct Noticing<W> {
    sink: W,
    lost: Lost,
}

impl<W: Write> Noticing<W> {
    /// Returns `sink`, whose failure is kept in `lost`.
    pub const fn new(sink: W, lost: Lost) -> Self {
        Self { sink, lost }
    }

    fn notice<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted)
        {
            // Only the first failure says why.
            let _ = self.lost.set(error.to_string());
        }
        result
    }
}

impl<W: Write> Write for Noticing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.sink.write(bytes);
        self.notice(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.sink.flush();
        self.notice(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_full_disk_is_noticed_and_a_reader_that_went_away_is_not() {
        for (kind, noticed) in [(io::ErrorKind::StorageFull, true), (io::ErrorKind::BrokenPipe, false)] {
            let lost = Lost::default();
            let mut sink = Noticing::new(Fails(kind), lost.clone());
            assert!(sink.write(b"x").is_err());
            assert!(sink.flush().is_err());
            assert_eq!(lost.get().is_some(), noticed);
        }
    }
}
