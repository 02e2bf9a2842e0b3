//! What the runtime is doing, as far as tokio promises to tell.

use frontier_metrics::Exposition;
use std::time::Duration;
use tokio::runtime::Handle;

/// Writes what there is of the runtime behind `handle`.
pub fn write_runtime(handle: &Handle, out: &mut Exposition) {
    let metrics = handle.metrics();
    let workers = metrics.num_workers();
    out.gauge("tokio_workers", "Threads that run tasks.").sample(&[], workers);
    out.gauge("tokio_alive_tasks", "Tasks that have not ended.").sample(&[], metrics.num_alive_tasks());
    let help = "Tasks that wait in the queue that all workers share.";
    out.gauge("tokio_global_queue_tasks", help).sample(&[], metrics.global_queue_depth());
    let busy: Duration = (0..workers).map(|worker| metrics.worker_total_busy_duration(worker)).sum();
    let help = "Time that the workers have been busy, all of them together.";
    out.counter("tokio_workers_busy_seconds_total", help).sample(&[], busy.as_secs_f64());
}
