//! A worker: a service of the gateway, with a method for each fault that it can find.

use crate::cli;
use crate::fault::Fault;
use crate::load::Load;
use crate::reading::Reading;
use crate::registry::{Registration, Registry};
use crate::results::Results;
use crate::score::status;
use crate::store::{PAUSE, Store};
use crate::streams::now;
use anyhow::{Context, Result};
use frontier_sdk::{HandlerError, Request, Response, Service};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

struct Worker {
    id: String,
    results: Results,
    load: Arc<Load>,
    delay: Duration,
}

/// Works until it is asked to stop; then what it has begun is done first.
pub(crate) async fn run(options: cli::Worker) -> Result<()> {
    let faults = if options.faults.is_empty() { Fault::ALL.to_vec() } else { options.faults };
    let store = Store::open(&options.store.redis)?;
    let load = Arc::new(Load::default());
    let id = format!("worker_{:08x}", rand::random::<u32>());
    let worker = Arc::new(Worker {
        id: id.clone(),
        results: Results::new(store.clone(), options.keep),
        load: load.clone(),
        delay: Duration::from_millis(options.delay),
    });
    let mut builder = Service::builder(&options.gateway).name(&id);
    for fault in &faults {
        let (fault, worker) = (*fault, worker.clone());
        builder = builder.register(fault.name(), move |request| worker.clone().diagnose(fault, request));
    }
    let mut stop = signal(SignalKind::terminate())?;
    let service = builder.connect().await.context("no connection to the gateway")?;
    let registry = Registry::new(store, Registration::new(&id, &faults));
    let registering = tokio::spawn(registry.clone().keep(load));
    println!("{id} works");
    tokio::select! {
        _ = stop.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    service.close().await?;
    registering.abort();
    registry.leave().await;
    println!("{id} has left");
    Ok(())
}

impl Worker {
    /// Returns once the result is in its stream: only then the reading is acked.
    async fn diagnose(self: Arc<Self>, fault: Fault, request: Request) -> Result<Response, HandlerError> {
        let begun = Instant::now();
        let _working = self.load.begin();
        // The same another time: the gateway puts such a reading to the dead letters.
        let reading = Reading::parse(&request.data)?;
        let found = fault.diagnose(&reading.signals);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let took = begun.elapsed().as_secs_f64();
        let mut fields = vec![
            ("vehicle_id", reading.vehicle),
            ("fault_type", fault.name().to_owned()),
            ("timestamp", now()),
            ("status", status(found.score).to_owned()),
            ("score", found.score.to_string()),
            ("features", found.features.to_string()),
            ("charts", found.charts.to_string()),
            ("consumer_id", format!("{}_{}_consumer", self.id, fault.name())),
            ("processing_time", format!("{took:.6}")),
            ("original_message_id", reading.id.clone()),
        ];
        fields.extend(reading.location.map(|location| ("location", location)));
        fields.extend(reading.shown.map(|shown| ("sensor_data", shown)));
        let written = self.results.write(fault, &reading.id, fields).await;
        // That passes: the gateway brings the reading again, here or elsewhere, however often.
        written.map_err(|error| HandlerError::retry_later(error, PAUSE))?;
        self.load.done(fault, begun.elapsed());
        Ok(Response::new(""))
    }
}
