//! A connection whose peer has to take what is written within a time: who reads nothing can't hold memory and places.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Instant;
use tokio::time::Sleep;

/// How long a peer may take nothing of what is written.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that ends with an error when its peer takes nothing for [`PATIENCE`].
#[derive(Debug)]
pub(super) struct Patient<S> {
    inner: S,
    /// Since when nothing could be written, and when that is too long.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub const fn new(inner: S) -> Self {
        Self { inner, until: None }
    }

    /// Notes whether something could be written, and gives up after a time.
    fn noted<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.until = None;
            return poll;
        }
        let until =
            self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + PATIENCE)));
        match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.noted(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(context);
        self.noted(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(context);
        self.noted(context, poll)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_and_one_that_is_slow_is_not() {
        let (near, mut far) = tokio::io::duplex(8);
        let writing = tokio::spawn(async move { Patient::new(near).write_all(&[0; 64]).await });
        for _ in 0..4 {
            tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
            let mut some = [0; 8];
            far.read_exact(&mut some).await.expect("it is written");
        }
        let began = Instant::now();
        let error = writing.await.expect("it ends").expect_err("nobody reads any more");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= PATIENCE, "{:?}", began.elapsed());
    }
}
