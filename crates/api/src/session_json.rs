//! What the REST side of [`broker`](crate::broker) reads and writes, in the names and numbers of CloudSOA.
//!
//! The comments are the descriptions of the OpenAPI document.

#[cfg(feature = "schema")]
mod schema;

use crate::{number, object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A session to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Create {
    /// The service that its hosts offer, in bytes of UTF-8.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 128)))]
    pub service_name: String,
    /// Whether it outlives its broker: 0 or `Interactive`, 1 or `Durable`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::session_type"))]
    pub session_type: Value,
    /// The fewest units that it would like to have, for those who add hosts.
    #[serde(default, deserialize_with = "number::whole")]
    pub minimum_units: u32,
    /// The most calls at once, without those that are kept ready at hosts; 0 for no limit.
    #[serde(default, deserialize_with = "number::whole")]
    pub maximum_units: u32,
    /// How its clients talk: 0 or `Grpc`, 1 or `Http`, 2 or `WebSocket`. Kept for them, and nothing else.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::transport_scheme"))]
    pub transport_scheme: Value,
    /// How long it lasts without a client; up to 31 days. As configured unless it is there, 5 minutes as a rule.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::time_span"))]
    pub session_idle_timeout: Option<String>,
    /// How long a client lasts that does nothing and for which nothing is done; up to 31 days. As configured unless it is there,
    /// 5 minutes as a rule.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::time_span"))]
    pub client_idle_timeout: Option<String>,
    /// How long the first client may take to come; up to 31 days. As configured unless it is there, 5 minutes as a rule.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::time_span"))]
    pub client_connection_timeout: Option<String>,
    /// How long one call on a host may take; up to 31 days. As configured unless it is there, a day as a rule.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::time_span"))]
    pub service_operation_timeout: Option<String>,
    /// With each 500 more it gets twice as much of the hosts; 2000 unless it is there.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(range(max = 4000)))]
    pub priority: Option<u16>,
    /// Labels that a host must have.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::pool"))]
    pub pool: BTreeMap<String, String>,
    /// Nodes whose hosts it would rather be computed at, while they take more at once.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::preferred_nodes"))]
    pub preferred_nodes: Vec<String>,
    /// Labels of hosts that it would rather be computed at, in the same way.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::pool"))]
    pub preferred_pool: BTreeMap<String, String>,
    /// Stay at the host that was used last while it takes more.
    #[serde(default)]
    pub sticky: bool,
    /// Whether others than its creator may use it.
    #[serde(default)]
    pub share_session: bool,
    /// Kept for clients alone.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A session, as its clients see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// Its id: 32 hexadecimal digits.
    pub session_id: String,
    /// The service that its hosts offer.
    pub service_name: String,
    /// 0 it is being made, 1 active, 2 closing, 3 closed, 4 failed, 5 not used for too long.
    #[cfg_attr(feature = "schema", schemars(range(max = 5)))]
    pub state: u8,
    /// 0 interactive, 1 durable.
    #[cfg_attr(feature = "schema", schemars(range(max = 1)))]
    pub session_type: u8,
    /// The fewest units that it would like to have.
    pub minimum_units: u32,
    /// The most calls at once; 0 for no limit.
    pub maximum_units: u32,
    /// The client that attached.
    pub client_id: Option<String>,
    /// When it was made.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When a client last did anything.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_accessed_at: String,
    /// How long it lasts without a client, such as `00:05:00`.
    pub session_idle_timeout: String,
    /// How long a client lasts that does nothing and for which nothing is done.
    pub client_idle_timeout: String,
    /// How long the first client may take to come.
    pub client_connection_timeout: String,
    /// How long one call on a host may take.
    pub service_operation_timeout: String,
    /// How its clients talk: 0 gRPC, 1 HTTP, 2 WebSocket.
    #[cfg_attr(feature = "schema", schemars(range(max = 2)))]
    pub transport_scheme: u8,
    /// Always null: any broker is asked.
    pub broker_endpoint: Option<String>,
    /// `Started`, `Running`, `Idle`, `Suspend` or `Finished`, as HPC Pack has it.
    pub broker_state: Cow<'static, str>,
    /// Its priority.
    pub priority: u16,
    /// Labels that a host must have.
    pub pool: BTreeMap<String, String>,
    /// Nodes whose hosts it would rather be computed at.
    pub preferred_nodes: Vec<String>,
    /// Labels of hosts that it would rather be computed at.
    pub preferred_pool: BTreeMap<String, String>,
    /// Whether it stays at the host that was used last.
    pub sticky: bool,
    /// Whether others than its creator may use it.
    pub share_session: bool,
    /// Kept for clients alone.
    pub properties: BTreeMap<String, String>,
}

/// One of the list of sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedSession {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// The service that its hosts offer.
    pub service_name: String,
    /// The name of its state, such as `Active`.
    pub status: Cow<'static, str>,
    /// `Interactive` or `Durable`.
    pub session_type: Cow<'static, str>,
    /// When it was made.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When a client last did anything.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_accessed_at: String,
    /// Always null: a session has more than one.
    pub client_id: Option<String>,
    /// Requests that were sent to it.
    pub request_count: u64,
    /// Those that are answered.
    pub response_count: u64,
}

/// How a session stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionStatus {
    /// Its id: 32 hexadecimal digits.
    pub session_id: String,
    /// As of a session.
    #[cfg_attr(feature = "schema", schemars(range(max = 5)))]
    pub state: u8,
    /// `Started`, `Running`, `Idle`, `Suspend` or `Finished`, as HPC Pack has it.
    pub broker_state: Cow<'static, str>,
    /// Calls at hosts.
    pub current_units: u64,
    /// Requests that wait or are at a host.
    pub pending_requests: u64,
    /// Requests that are at a host.
    pub running_requests: u64,
    /// Requests that are answered.
    pub processed_requests: u64,
    /// Those of them with a fault.
    pub failed_requests: u64,
    /// Responses that were not fetched yet.
    pub unfetched_responses: u64,
    /// When a client last did anything.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_accessed_at: String,
    /// Hosts of its service.
    pub hosts: usize,
    /// What they do at once.
    pub capacity: u64,
    /// Why it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Requests that are sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendRequests<'a> {
    /// The requests: all of them are taken, or none.
    #[serde(borrow, deserialize_with = "object::each")]
    pub requests: Vec<SentRequest<'a>>,
    /// The client; `default` unless it is here or in the query.
    #[serde(borrow, default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::client_id"))]
    pub client_id: Option<Cow<'a, str>>,
    /// With a higher one than before, what was not committed is dropped.
    #[serde(default, deserialize_with = "number::whole")]
    pub batch_id: u64,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentRequest<'a> {
    /// What the host is to do; of no meaning to the broker.
    #[serde(borrow, default)]
    pub action: Option<Cow<'a, str>>,
    /// The body, as base64.
    #[serde(borrow, default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::base64"))]
    pub payload: Option<Cow<'a, str>>,
    /// Comes back with the response; up to 1024 characters.
    #[serde(borrow, default)]
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    pub user_data: Option<Cow<'a, str>>,
    /// A GUID. Of two requests of one client with the same the second is the first one again.
    #[serde(borrow, default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::message_id"))]
    pub message_id: Option<Cow<'a, str>>,
}

/// Requests were accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enqueued {
    /// How many.
    pub enqueued: usize,
    /// Their ids, in their order.
    pub message_ids: Vec<String>,
}

/// A flush.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlushRequests {
    /// The client; `default` unless it is here or in the query.
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::client_id"))]
    pub client_id: Option<String>,
    /// The batch that is meant.
    #[serde(deserialize_with = "number::optional")]
    pub batch_id: Option<u64>,
    /// How many requests the client has sent in all with this batch id: if fewer have come it is `Broker_FlushIncomplete`.
    #[serde(deserialize_with = "number::optional")]
    pub sent: Option<u64>,
    /// Whether no more follow.
    pub end: bool,
}

/// It was flushed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlushedRequests {
    /// The session.
    pub session_id: String,
    /// Requests of the client that are not answered yet.
    pub pending_requests: u64,
    /// Requests that are committed, in all.
    pub committed_requests: u64,
    /// For people.
    pub message: Cow<'static, str>,
}

/// Some responses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Responses {
    /// In the order in which they were computed.
    pub responses: Vec<Response>,
    /// How many there are here.
    pub count: usize,
    /// How many more there are already.
    pub remaining: u64,
    /// The position of the next one.
    pub next: u64,
    /// That no more follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_responses: Option<EndOfResponses>,
}

/// A response.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Response {
    /// Its own id.
    pub message_id: String,
    /// The id of its request.
    pub request_message_id: String,
    /// What was computed, as base64; empty with a fault.
    pub payload: String,
    /// That of its request.
    pub user_data: String,
    /// Whether there is a fault in place of a result.
    pub is_fault: bool,
    /// Why it could not be computed, for people.
    pub fault_message: Option<String>,
    /// What kind of fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_code: Option<String>,
    /// The number that a service gives its faults.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fault_detail: u32,
    /// Its number among those of the client.
    pub position: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// No more responses follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndOfResponses {
    /// How many there were.
    pub count: u64,
    /// `Success`, `ClientPurged` or `ClientTimeout`.
    pub reason: Cow<'static, str>,
}

/// The last thing of a stream of responses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastLine {
    /// That no more follow.
    pub end_of_responses: EndOfResponses,
}

/// The last thing of a stream of responses that ends before its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedLine {
    /// The code of the fault.
    pub fault: Cow<'static, str>,
    /// For people.
    pub message: String,
}

/// Why a request was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refused {
    /// The name of the fault; of what is refused before it comes to a session, the name of the code of gRPC.
    pub code: Cow<'static, str>,
    /// What a fault is about: HPC Pack's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 6)))]
    pub category: Option<u8>,
    /// What went wrong, for people.
    pub message: String,
    /// Whether the same may go well a little later, of a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

/// How a service stands, and what is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scaling {
    /// The service.
    pub service_name: String,
    /// Requests that wait for a host.
    pub queued_requests: u64,
    /// Requests that are at one.
    pub running_requests: u64,
    /// What sessions want at once, with their fewest and most units.
    pub wanted_units: u64,
    /// How many hosts there should be.
    pub target_hosts: u64,
    /// How many of those that are idle should be stopped now: the first of `hosts`.
    pub stop_hosts: u64,
    /// To be said in the next round.
    pub shrink_rounds: u32,
    /// Those whose removal costs least first.
    pub hosts: Vec<Host>,
}

/// A host, and what its removal costs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Host {
    /// Its edge id: 64 bits, which not every reader of JSON takes as a number.
    pub edge_id: String,
    /// Where it says that it runs.
    pub node: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// `starting`, `ready`, `blocked` or `draining`.
    pub state: Cow<'static, str>,
    /// Calls at once.
    pub capacity: u32,
    /// Requests that it has.
    pub running: u32,
    /// For `controller.kubernetes.io/pod-deletion-cost`: those with the least are removed first.
    pub pod_deletion_cost: i32,
}
