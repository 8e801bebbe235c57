//! The processes of one command: its program, and what that started.

use tokio::process::Child;

#[cfg(unix)]
pub(super) use unix::Group;

#[cfg(not(unix))]
pub(super) use other::Group;

#[cfg(unix)]
mod unix {
    use rustix::process::Pid;
    use rustix::process::Signal;
    use rustix::process::WaitId;
    use rustix::process::WaitIdOptions;
    use rustix::process::kill_process_group;
    use rustix::process::waitid;

    use super::Child;

    /// A process group, killed when it is dropped before its program was seen to end. A process that made a group of its
    /// own is no longer part of it.
    #[derive(Debug)]
    pub(in crate::run::hook) struct Group {
        /// `None` once the program was waited for: its id may then be somebody else's.
        leader: Option<Pid>,
    }

    impl Group {
        /// Returns the group that a program leads.
        pub(in crate::run::hook) fn of(child: &Child) -> Self {
            let id = child.id().and_then(|id| i32::try_from(id).ok());
            Self { leader: id.and_then(Pid::from_raw) }
        }

        /// Asks the group to end.
        pub(in crate::run::hook) fn ask_to_end(&self) {
            self.signal(Signal::TERM);
        }

        /// Ends the group.
        pub(in crate::run::hook) fn kill(&self, _child: &mut Child) {
            self.signal(Signal::KILL);
        }

        /// Returns whether the program has ended; it stays to be waited for, so that its id stays its own.
        pub(in crate::run::hook) fn has_ended(&self, _child: &mut Child) -> bool {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            self.leader.is_none_or(|leader| !matches!(waitid(WaitId::Pid(leader), look), Ok(None)))
        }

        /// Lets the group be: its program was waited for.
        pub(in crate::run::hook) const fn release(&mut self) {
            self.leader = None;
        }

        fn signal(&self, signal: Signal) {
            if let Some(leader) = self.leader {
                // A group of which nobody is left is what is wanted.
                let _ = kill_process_group(leader, signal);
            }
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            self.signal(Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::Child;

    /// A program alone, where there are no process groups.
    #[derive(Debug)]
    pub(in crate::run::hook) struct Group;

    impl Group {
        /// Returns the group that a program leads.
        pub(in crate::run::hook) const fn of(_child: &Child) -> Self {
            Self
        }

        /// Does nothing: there is no way to ask.
        pub(in crate::run::hook) const fn ask_to_end(&self) {}

        /// Ends the program.
        pub(in crate::run::hook) fn kill(&self, child: &mut Child) {
            // One that has ended is what is wanted.
            let _ = child.start_kill();
        }

        /// Returns true: without having been asked, nobody is waited for.
        pub(in crate::run::hook) const fn has_ended(&self, _child: &mut Child) -> bool {
            true
        }

        /// Does nothing.
        pub(in crate::run::hook) const fn release(&mut self) {}
    }
}
