//! A service of a whole cluster, and edges that find their gateway by themselves: real gateways, a real
//! frontlas, and a directory that the tests write.

mod credentials;
mod discovery;
mod edges;
mod following;
mod frontlas_away;
mod life;
mod losses;
mod moves;
mod registration;
mod tls;
mod whole;
mod world;
