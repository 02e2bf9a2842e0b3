//! The routes of REST: the tables that both the routers of the daemons and the OpenAPI documents are made from.
//!
//! Each route has a name, which is that of its gRPC call where there is one, a method and a path. A router goes through `ALL` and has to say
//! what serves each of them, so that none is left out of either side.

use http::Method;

macro_rules! routes {
    ($(#[$doc:meta])* $name:ident { $($call:ident = $method:ident $path:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("`", stringify!($method), " ", $path, "`")] $call,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$call,)*];

            /// Its name: that of the gRPC call that does the same, where there is one.
            #[must_use]
            pub const fn call(self) -> &'static str {
                match self { $(Self::$call => stringify!($call),)* }
            }

            /// The method of HTTP.
            #[must_use]
            pub const fn method(self) -> Method {
                match self { $(Self::$call => Method::$method,)* }
            }

            /// The path, with the names of its parameters in braces.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$call => $path,)* }
            }
        }
    };
}

routes! {
    /// A route of the control plane of a gateway.
    GatewayRoute {
        ListEdges = GET "/v1/edges",
        ListEdgeRPCs = GET "/v1/edges/rpcs",
        GetEdge = GET "/v1/edges/{edge_id}",
        KickEdge = DELETE "/v1/edges/{edge_id}",
        CallEdge = POST "/v1/edges/{edge_id}/call",
        PublishToEdge = POST "/v1/edges/{edge_id}/publish",
        ListServices = GET "/v1/services",
        GetService = GET "/v1/services/{service_id}",
        KickService = DELETE "/v1/services/{service_id}",
        CallService = POST "/v1/services/{service_id}/call",
        PublishToService = POST "/v1/services/{service_id}/publish",
        ListServiceRPCs = GET "/v1/services/rpcs",
        ListServiceTopics = GET "/v1/services/topics",
        GetStatus = GET "/v1/status",
        GetPolicy = GET "/v1/policy",
        GetLogLevel = GET "/v1/log_level",
        SetLogLevel = PUT "/v1/log_level",
        Drain = POST "/v1/drain",
        Watch = GET "/v1/watch",
    }
}

routes! {
    /// A route of the control plane of frontlas.
    ClusterRoute {
        GetFrontierByEdge = GET "/cluster/v1/frontier",
        ListFrontiers = GET "/cluster/v1/frontiers",
        GetEdgeByID = GET "/cluster/v1/edge",
        ListEdges = GET "/cluster/v1/edges",
        GetEdgesCount = GET "/cluster/v1/edges/count",
        GetServiceByID = GET "/cluster/v1/service",
        ListServices = GET "/cluster/v1/services",
        GetServicesCount = GET "/cluster/v1/services/count",
        Watch = GET "/cluster/v1/watch",
    }
}

routes! {
    /// A route of the broker of work sessions.
    BrokerRoute {
        CreateSession = POST "/api/v1/sessions",
        ListSessions = GET "/api/v1/sessions",
        GetSession = GET "/api/v1/sessions/{id}",
        CloseSession = DELETE "/api/v1/sessions/{id}",
        AttachSession = POST "/api/v1/sessions/{id}/attach",
        GetSessionStatus = GET "/api/v1/sessions/{id}/status",
        SendRequests = POST "/api/v1/sessions/{id}/requests",
        FlushRequests = POST "/api/v1/sessions/{id}/requests/flush",
        GetResponses = GET "/api/v1/sessions/{id}/responses",
        PushResponses = GET "/ws/v1/sessions/{id}/responses",
        PurgeClient = DELETE "/api/v1/sessions/{id}/clients/{client}",
        GetScaling = GET "/api/v1/services/{service}/scaling",
    }
}
