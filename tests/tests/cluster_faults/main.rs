//! Faults of a whole cluster, all of it real: frontiers, replicas of frontlas and Redis as processes, and the
//! SDK's edges and services.

mod calls;
mod fleet;
mod following;
mod hops;
mod kill;
mod outages;
mod replica;
mod service_ids;
mod world;
