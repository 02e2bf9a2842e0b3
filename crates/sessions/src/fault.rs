//! Why something was refused, as clients see it.

use std::fmt;

/// What a fault is about. The numbers are those of HPC Pack's categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The session can't be reached now.
    SessionConnection = 1,
    /// This was not for the session to do, as it is.
    Session = 2,
    /// The session does nothing any more.
    SessionFatal = 3,
    /// The service, on its host, said so.
    Application = 4,
    /// The broker and the host did not come together.
    BrokerProxy = 5,
    /// What was sent is wrong.
    Data = 6,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal $category:ident $retryable:literal,)*) => {
        /// Names a fault. Those that HPC Pack has go by its names. They are added, never changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultCode {
            $($(#[$doc])* $code,)*
        }

        impl FaultCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// As clients see it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// What it is about.
            #[must_use]
            pub const fn category(self) -> Category {
                match self { $(Self::$code => Category::$category,)* }
            }

            /// Whether the same may go well a little later.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$code => $retryable,)* }
            }
        }
    };
}

codes! {
    /// No session has this id, or no text of this kind is one.
    InvalidSessionId = "InvalidSessionId" Session false,
    /// The session that was to be attached to is interactive, and a durable one was expected.
    InvalidAttachInteractiveSession = "InvalidAttachInteractiveSession" Session false,
    /// The other way round.
    InvalidAttachDurableSession = "InvalidAttachDurableSession" Session false,
    /// The session was closed, or its time was up.
    SessionFinished = "Session_ValidateJobFailed_AlreadyFinished" SessionFatal false,
    /// The session has failed: nothing more will be computed.
    SessionFailure = "Broker_SessionFailure" SessionFatal false,
    /// As many sessions as there may be are open.
    TooManySessions = "Broker_TooManyBrokerRunning" SessionConnection true,
    /// As many clients as a session may have are there.
    TooManyClients = "Broker_TooManyClients" Session false,
    /// The settings of a session make no sense.
    InvalidSettings = "InvalidSessionStartInfo" Data false,
    /// Such sessions are not offered here.
    Unsupported = "Broker_UnsupportedOperation" Session false,
    /// The broker is stopping: another one, or this one a little later, takes it.
    Draining = "Broker_BrokerSuspending" SessionConnection true,
    /// Who asks is not who created the session, and it is not shared.
    AccessDenied = "AccessDenied_Broker" Session false,
    /// Who asks is not who the client's queues belong to.
    AccessDeniedQueue = "AccessDenied_BrokerQueue" Session false,
    /// The client id has forbidden characters, or too many.
    InvalidClientId = "InvalidClientId" Data false,
    /// The message id is no GUID.
    InvalidMessageId = "InvalidMessageId" Data false,
    /// A request can't be read.
    InvalidRequest = "InvalidRequest" Data false,
    /// The user data have more characters than they may.
    UserDataTooLong = "UserDataTooLong" Data false,
    /// A body is longer than it may be.
    MessageTooLarge = "MessageTooLarge" Data false,
    /// More requests came at once than may.
    TooManyRequests = "TooManyRequestsInBatch" Data false,
    /// Requests come with a batch id below that of others which have come.
    StaleBatch = "Broker_StaleBatch" Session false,
    /// The client has ended its requests, or is gone: what it sends is not taken.
    SendRejected = "Broker_SendRejected" Session false,
    /// The client has ended its requests: there is nothing to flush any more.
    FlushRejected = "Broker_FlushRejected" Session false,
    /// Not as many requests have come as the client says that it sent.
    FlushIncomplete = "Broker_FlushIncomplete" SessionConnection true,
    /// The client has ended its requests before.
    EndedTwice = "Broker_EOMReject_EndRequests" Session false,
    /// The client has ended its requests before, and all are answered.
    EndedAndAnswered = "Broker_EOMReject_GetResponse" Session false,
    /// The client is in no state to end its requests.
    EndRejected = "Broker_EOMRejected" Session false,
    /// There is nothing to end: no request was sent.
    NothingSent = "InvalidOperation_NoRequests" Session false,
    /// So much waits that no more is taken until some of it is computed and fetched.
    Throttled = "Broker_Throttled" Session true,
    /// The store takes no more.
    StorageFull = "Broker_InsufficientStorage" SessionConnection true,
    /// The store does not answer.
    StoreUnavailable = "Broker_StoreUnavailable" SessionConnection true,
    /// Another broker has the session.
    NotOwner = "Broker_NotOwner" SessionConnection true,
    /// A call has failed as often as it may.
    RetryOperationError = "RetryOperationError" BrokerProxy false,
    /// The service has answered with an error of its own.
    ServiceFault = "ServiceFault" Application false,
}

/// Why something was refused: its code, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// For people.
    pub text: String,
}

impl Fault {
    /// With a text for people.
    #[must_use]
    pub fn new(code: FaultCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.text)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_faults_have_one_name() {
        let names: HashSet<_> = FaultCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), FaultCode::ALL.len());
        assert_eq!(FaultCode::FlushRejected.category() as u8, 2);
    }
}
