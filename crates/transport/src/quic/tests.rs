//! Links over real UDP sockets on the loopback interface.

mod ends;
mod frames;
mod idle_memory;
mod listener;
mod migration;
mod narrow;
mod proxy;
mod slow;
mod streams;
mod world;
