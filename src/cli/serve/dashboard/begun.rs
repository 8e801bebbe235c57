//! The processes that the dashboard began: how many go on, and that there are no more of them when the service ends.

use std::process::Child;
use std::process::Command;
use std::sync::Arc;

use tokio::sync::watch;

/// What is known of the processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    running: usize,
    is_closed: bool,
}

/// The processes that were begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Begun {
    known: Arc<watch::Sender<Known>>,
}

impl Begun {
    /// Begins a process that goes on when this one ends; `None` if nothing is to begin any more.
    ///
    /// # Errors
    ///
    /// The system's, if there is no process.
    pub(super) fn spawn(&self, command: &mut Command) -> std::io::Result<Option<()>> {
        let is_taken = self.known.send_if_modified(|known| {
            known.running += usize::from(!known.is_closed);
            !known.is_closed
        });
        if !is_taken {
            return Ok(None);
        }
        match command.spawn() {
            Ok(child) => {
                self.follow(child);
                Ok(Some(()))
            }
            Err(error) => {
                self.known.send_modify(|known| known.running -= 1);
                Err(error)
            }
        }
    }

    /// Takes note of a process's end: nobody else does.
    fn follow(&self, mut child: Child) {
        let known = Arc::clone(&self.known);
        std::thread::spawn(move || {
            // However it ended, it goes on no more.
            let _ = child.wait();
            known.send_modify(|known| known.running -= 1);
        });
    }

    /// Has nothing begin any more.
    pub(crate) fn close(&self) {
        self.known.send_modify(|known| known.is_closed = true);
    }

    /// Returns how many of them go on.
    pub(crate) fn running(&self) -> usize {
        self.known.borrow().running
    }

    /// Waits until none of them goes on.
    pub(crate) async fn ended(&self) {
        // The sender is here.
        let _ = self.known.subscribe().wait_for(|known| known.running == 0).await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read as _;
    use std::process::Stdio;

    use super::*;

    #[tokio::test]
    async fn processes_are_waited_for_and_none_begins_when_it_is_over() {
        let begun = Begun::default();
        begun.ended().await;
        let (mut told, tell) = std::io::pipe().expect("a pipe");
        // It ends when its standard input does.
        let (hold, held) = {
            let (read, write) = std::io::pipe().expect("a pipe");
            (write, read)
        };
        let mut command = Command::new("cat");
        command.stdin(held).stdout(tell).stderr(Stdio::null());
        assert_eq!(begun.spawn(&mut command).expect("it begins"), Some(()));
        drop(command);
        begun.close();
        assert_eq!(begun.spawn(&mut Command::new("true")).expect("nothing fails"), None, "it is over");
        let waiting = tokio::spawn({
            let begun = begun.clone();
            async move { begun.ended().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "one goes on");
        drop(hold);
        waiting.await.expect("no panic");
        let mut said = String::new();
        told.read_to_string(&mut said).expect("it ended");
        assert!(begun.spawn(&mut Command::new("/no/such/program")).is_ok_and(|begun| begun.is_none()));
    }

    #[tokio::test]
    async fn what_can_not_be_begun_is_not_waited_for() {
        let begun = Begun::default();
        assert!(begun.spawn(&mut Command::new("/no/such/program")).is_err());
        begun.ended().await;
    }
}
