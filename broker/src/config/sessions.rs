//! What clients may do, and how their requests are given to hosts.

use frontier_admin::ServerConfig;
use frontier_config::{ByteSize, Choice, Section};
use frontier_sessions::{Balance, DispatchConfig, HedgeConfig, Limits, Timeouts};
use frontier_transport::OriginPattern;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The section `sessions`.
#[derive(Clone, Debug)]
pub struct SessionsConfig {
    /// The port and its limits. 127.0.0.1:30020.
    pub server: ServerConfig,
    /// `allowed_origins`: pages from which browsers may open a WebSocket. Programs name none, and always may.
    pub allowed_origins: Vec<OriginPattern>,
    /// How much clients may send and keep.
    pub limits: SessionLimits,
    /// When things end, unless a session says otherwise.
    pub timeouts: Timeouts,
}

/// How much clients may send and keep.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// `sessions`: open at once. 10,000.
    pub sessions: usize,
    /// Those of each session.
    pub session: Limits,
    /// `batch_size`: the longest body of a POST, in bytes. 32 MiB.
    pub batch_size: usize,
    /// `receiving_size`: all bodies that are being read, in bytes. 256 MiB.
    pub receiving_size: usize,
    /// `storage_size`: what is kept of requests and responses in memory, in bytes. 1 GiB.
    pub storage_size: usize,
    /// `throttle_start`: of how many messages on an interactive session takes no more. 409,600.
    pub throttle_start: usize,
    /// `throttle_stop`: and below how many it does again. 307,200.
    pub throttle_stop: usize,
}

/// The section `hosts`.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// How hosts are chosen, and when they are left alone.
    pub dispatch: DispatchConfig,
    /// `resend_limit`: how often a call that has failed is made again. 3.
    pub resend_limit: u32,
    /// `hang_timeout`: how long one call may take, whatever its session says; 0: no limit.
    pub hang_timeout: Option<Duration>,
    /// `ttl`: after how long a host is forgotten that says nothing. 15 s; hosts say who they are each third of it.
    pub ttl: Duration,
    /// `hosts`: at once. 100,000.
    pub hosts: usize,
}

#[derive(Clone, Copy, Debug)]
struct BalanceChoice(Balance);

impl Choice for BalanceChoice {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("round_robin", Self(Balance::RoundRobin)),
        ("least_connections", Self(Balance::LeastConnections)),
        ("queue_depth", Self(Balance::QueueDepth)),
    ];
}

impl SessionsConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let default = Timeouts::default();
        let (millis, month) = (Duration::from_millis(100), Duration::from_secs(31 * 24 * 3600));
        let time = |key, default| section.within(key, default, millis..=month);
        Self {
            server: ServerConfig::read(section, (Ipv4Addr::LOCALHOST, 30020).into()),
            allowed_origins: section.list("allowed_origins", Vec::new()),
            limits: SessionLimits::read(section),
            timeouts: Timeouts {
                client_connection: time("client_connection_timeout", default.client_connection),
                session_idle: time("session_idle_timeout", default.session_idle),
                client_idle: time("client_idle_timeout", default.client_idle),
                operation: time("operation_timeout", default.operation),
            },
        }
    }
}

impl SessionLimits {
    fn read(section: &Section<'_>) -> Self {
        let size = |key, default: ByteSize, least: ByteSize, most: ByteSize| {
            section.within(key, default, least..=most).as_usize()
        };
        let (kib, mib, gib) = (ByteSize::kib(1), ByteSize::mib(1), ByteSize::mib(1024));
        let default = Limits::default();
        let session = Limits {
            message_size: size("message_size", ByteSize::mib(4), kib, ByteSize::mib(64)),
            requests_per_send: section.within("batch_requests", default.requests_per_send, 1..=1_000_000),
            clients: section.within("clients", default.clients, 1..=100_000),
            retained_size: size("retained_size", ByteSize::mib(64), kib, ByteSize::mib(1024 * 1024)),
            ..default
        };
        let throttle_start = section.within("throttle_start", 409_600, 1..=1_000_000_000);
        let throttle_stop = section.within("throttle_stop", throttle_start * 3 / 4, 0..=1_000_000_000);
        if throttle_stop > throttle_start {
            section.reject("throttle_stop", format!("must not be over throttle_start, {throttle_start}"));
        }
        Self {
            sessions: section.within("sessions", 10_000, 1..=1_000_000),
            session,
            batch_size: size("batch_size", ByteSize::mib(32), kib, ByteSize::mib(512)),
            receiving_size: size("receiving_size", ByteSize::mib(256), mib, ByteSize::mib(64 * 1024)),
            storage_size: size("storage_size", gib, mib, ByteSize::mib(1024 * 1024)),
            throttle_start,
            throttle_stop,
        }
    }
}

impl HostConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let default = DispatchConfig::default();
        let seconds = Duration::from_secs;
        let BalanceChoice(balance) = section.get("balance", BalanceChoice(default.balance));
        let hang_timeout =
            section.within("hang_timeout", Duration::ZERO, Duration::ZERO..=seconds(31 * 24 * 3600));
        Self {
            dispatch: DispatchConfig {
                balance,
                prefetch: section.within("prefetch", default.prefetch, 0..=100),
                initialization: section.within(
                    "initialization_timeout",
                    default.initialization,
                    seconds(1)..=seconds(3600),
                ),
                retry_period: section.within(
                    "retry_period",
                    default.retry_period,
                    seconds(1)..=seconds(3600),
                ),
                hedge: read_hedge(&section.section("hedge")),
            },
            resend_limit: section.within("resend_limit", 3, 0..=100),
            hang_timeout: (!hang_timeout.is_zero()).then_some(hang_timeout),
            ttl: section.within("ttl", seconds(15), Duration::from_millis(300)..=seconds(3600)),
            hosts: section.within("hosts", 100_000, 1..=1_000_000),
        }
    }
}

/// The section `hosts.hedge`: when calls are made at a second host as well. `after` is 0 unless set: none is.
fn read_hedge(section: &Section<'_>) -> Option<HedgeConfig> {
    let hour = Duration::from_secs(3600);
    let after = section.within("after", Duration::ZERO, Duration::ZERO..=hour);
    let hedge = HedgeConfig {
        after,
        quantile: section.within("quantile", 0.95, 0.0..=1.0),
        factor: section.within("factor", 2.0, 1.0..=1000.0),
        share: section.within("share", 0.05, 0.0..=1.0),
    };
    (!after.is_zero()).then_some(hedge)
}
