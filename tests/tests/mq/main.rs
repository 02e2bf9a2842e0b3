//! Topics that go to message brokers, and messages that come from there: real ones, and what arrived there is read by clients that share nothing with the
//! gateway's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod amqp;
mod beside;
mod cuts;
mod gateway;
mod jetstream;
mod kafka;
mod kafka_server;
mod load;
mod mosquitto;
mod mqtt;
mod nats;
mod nsq;
mod nsqd;
mod online;
mod python;
mod rabbitmq;
mod real_jobs;
mod redis;
mod redis_cluster;
mod redis_streams;
mod relay;
mod relay_go;
mod relay_jobs;
mod relay_measuring;
mod resp;
mod sinks_measuring;
mod slurm;
mod slurm_ends;
mod sources;
mod spool;
mod world;
