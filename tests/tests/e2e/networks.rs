//! Makes a test of each scenario and network.

/// Takes the scenarios by the module that they are in. Each is `async fn(Network)`, and becomes four tests:
/// `tcp::calls::an_edge_calls_a_service` and so on.
macro_rules! over_all_networks {
    ($($scenarios:tt)*) => {
        mod tcp { tests_over! { Tcp: $($scenarios)* } }
        mod tls { tests_over! { Tls: $($scenarios)* } }
        mod quic { tests_over! { Quic: $($scenarios)* } }
        mod ws { tests_over! { Ws: $($scenarios)* } }
    };
}

macro_rules! tests_over {
    ($network:ident: $($module:ident { $($scenario:ident $(on $threads:literal threads)?,)* })*) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                let scenario = crate::$module::$scenario(frontier_tests::Network::$network);
                crate::networks::run(scenario, 0 $(+ $threads)?);
            })*
        })*
    };
}

/// Runs a scenario to its end, on its own thread if it asks for no others.
pub(crate) fn run(scenario: impl Future<Output = ()>, threads: usize) {
    let mut runtime = match threads {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 0 {
        runtime.worker_threads(threads);
    }
    runtime.enable_all().build().expect("a runtime").block_on(scenario);
}
