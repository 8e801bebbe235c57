//! A stack that is deep enough, whoever asks: a tree of expressions is walked by functions that call themselves.

/// Bytes of the stack. The generated parser takes about 100 KiB a level without optimization; memory that is not touched
/// costs nothing.
const STACK: usize = 64 << 20;

/// Does some work on a thread of its own, with a deep stack; on this one, if there can be no other.
pub(super) fn deep<R: Send>(work: &(dyn Fn() -> R + Sync)) -> R {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match started {
            Ok(worker) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => work(),
        }
    })
}
