//! A pause in long work.

use std::task::Poll;

/// Lets other tasks run first.
pub(crate) async fn let_others_run() {
    let mut had_turn = false;
    std::future::poll_fn(|cx| {
        if had_turn {
            return Poll::Ready(());
        }
        had_turn = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
