//! A container that speaks `cloudsoa.servicehost.ComputeService`, beside this program.

use super::call::{Call, Limits, detail, too_large, too_late};
use crate::output;
use frontier_api::compute::compute_service_client::ComputeServiceClient;
use frontier_api::compute::{ExecuteRequest, GetServiceInfoRequest, HealthCheckRequest};
use frontier_sdk::HostError;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout, timeout_at};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// How long connecting may take, and an answer about its health.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two looks at one that is not well.
const PAUSE: Duration = Duration::from_secs(1);

/// What of an answer is not its payload, in bytes, at most.
const ROOM: usize = 64 * 1024;

/// A container. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Container {
    client: ComputeServiceClient<Channel>,
    most: usize,
}

impl Container {
    /// At HOST:PORT, without TLS: it stands beside this program. Nothing is dialled yet.
    pub(super) fn at(address: &str, limits: Limits) -> Result<Self, String> {
        let address = address.strip_prefix("http://").unwrap_or(address);
        if address.contains("://") {
            return Err(
                "--grpc is HOST:PORT; what runs beside this program is reached without TLS".to_owned()
            );
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let endpoint = endpoint.map_err(|error| format!("--grpc {address}: {error}"))?;
        let channel = endpoint.connect_timeout(PATIENCE).connect_lazy();
        let client = ComputeServiceClient::new(channel).max_decoding_message_size(limits.answer + ROOM);
        Ok(Self { client, most: limits.answer })
    }

    /// Whether it is well, and if not why.
    pub(super) async fn check(&self) -> Result<(), String> {
        let mut client = self.client.clone();
        match timeout(PATIENCE, client.health_check(HealthCheckRequest {})).await {
            Ok(Ok(answer)) if answer.get_ref().healthy => Ok(()),
            Ok(Ok(_)) => Err("it says so".to_owned()),
            Ok(Err(status)) => Err(said(&status)),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }

    /// Waits until it is well.
    pub(super) async fn well(&self) {
        let mut was_told = false;
        while let Err(why) = self.check().await {
            if !std::mem::replace(&mut was_told, true) {
                output::note(&format!("the container is not well, and is looked at again: {why}"));
            }
            sleep(PAUSE).await;
        }
        let mut client = self.client.clone();
        if let Ok(Ok(info)) = timeout(PATIENCE, client.get_service_info(GetServiceInfoRequest {})).await {
            let info = info.into_inner();
            output::note(&format!(
                "the container offers {} {}: {}",
                info.service_name,
                info.version,
                info.actions.join(", ")
            ));
        }
    }

    pub(super) async fn compute(&self, call: Call) -> Result<Vec<u8>, HostError> {
        let mut client = self.client.clone();
        let message = call.message.clone();
        let execute = ExecuteRequest {
            message_id: call.message,
            session_id: call.session,
            action: call.action.to_string(),
            payload: call.body.to_vec(),
            user_data: call.user_data.to_string(),
        };
        let mut request = tonic::Request::new(execute);
        // So that it can give up what nobody waits for.
        request.set_timeout(call.deadline.saturating_duration_since(Instant::now()));
        let answer = timeout_at(call.deadline.into(), client.execute(request)).await;
        let answer = answer.map_err(|_| too_late(""))?.map_err(|status| judge(&status))?.into_inner();
        if !answer.request_message_id.is_empty() && !is_same(&answer.request_message_id, &message) {
            return Err(HostError::Retry("the container has answered another request".to_owned()));
        }
        if answer.is_fault {
            return Err(HostError::fault(1, answer.fault_message));
        }
        if answer.payload.len() > self.most { Err(too_large(self.most)) } else { Ok(answer.payload) }
    }
}

/// Whether a GUID is this one, however it is written.
fn is_same(guid: &str, digits: &str) -> bool {
    let found = guid.chars().filter(char::is_ascii_hexdigit).map(|it| it.to_ascii_lowercase());
    found.eq(digits.chars())
}

fn said(status: &Status) -> String {
    format!("{:?}{}", status.code(), detail(status.message()))
}

/// What a status that is no answer means for the request.
fn judge(status: &Status) -> HostError {
    match status.code() {
        Code::Unimplemented => HostError::NotInitialized(said(status)),
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::DataLoss => HostError::fault(u32::try_from(status.code() as i32).unwrap_or(1), said(status)),
        _ => HostError::Retry(said(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_faults_of_the_client_or_are_tried_again() {
        let of = |code| judge(&Status::new(code, "why"));
        assert_eq!(of(Code::InvalidArgument), HostError::fault(3, "InvalidArgument: why"));
        assert_eq!(of(Code::Unavailable), HostError::Retry("Unavailable: why".to_owned()));
        assert!(matches!(of(Code::Unimplemented), HostError::NotInitialized(_)));
    }

    #[test]
    fn a_guid_is_the_same_with_hyphens_and_in_capitals() {
        assert!(is_same("0000000A-0000-0000-0000-00000000000b", "0000000a00000000000000000000000b"));
        assert!(!is_same("0000000a", "0000000a00000000000000000000000b"));
    }

    #[tokio::test]
    async fn an_address_is_a_host_and_a_port() {
        let limits = Limits { memory: None, answer: 1 };
        Container::at("127.0.0.1:5010", limits).unwrap();
        Container::at("http://127.0.0.1:5010", limits).unwrap();
        assert!(Container::at("https://127.0.0.1:5010", limits).unwrap_err().contains("TLS"));
        assert!(Container::at("a b", limits).unwrap_err().contains("--grpc"));
    }
}
