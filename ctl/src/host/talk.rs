//! What processes of a pool read and write.
//!
//! ```text
//! lines:  {"messageId", "sessionId", "tries", "action", "userData", "payload": base64}
//!         {"payload": base64}, {"fault": text, "code": number} or {"retry": text}; with "messageId", which must be the request's
//! frames: length (4) | {"messageId", "sessionId", "tries", "action", "userData"},  length (4) | body
//!         length (4) | 0 | answer,  length (4) | 1 | text of a fault,  or  length (4) | 2 | why to try again
//! ```

use super::Form;
use super::call::{Call, too_large};
use data_encoding::BASE64;
use frontier_sdk::HostError;
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    message_id: &'a str,
    session_id: &'a str,
    tries: u32,
    action: &'a str,
    user_data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    message_id: Option<String>,
    payload: Option<String>,
    fault: Option<String>,
    #[serde(default)]
    code: u32,
    retry: Option<String>,
}

/// Why a process is of no use any more.
#[derive(Debug)]
pub(super) enum Broken {
    /// It has ended, or has closed its output.
    Ended,
    /// What it has said is no answer.
    Nonsense(String),
    /// It says more than it may.
    TooLarge(HostError),
}

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self::Ended
    }
}

/// The request, as it is written.
pub(super) fn written(form: Form, call: &Call) -> Vec<u8> {
    let asked = Asked {
        message_id: &call.message,
        session_id: &call.session,
        tries: call.tries,
        action: &call.action,
        user_data: &call.user_data,
        payload: (form == Form::Lines).then(|| BASE64.encode(&call.body)),
    };
    // Only maps with keys that are no text fail.
    let head = serde_json::to_vec(&asked).unwrap_or_default();
    match form {
        Form::Lines => [&head[..], b"\n"].concat(),
        Form::Frames => [&length(&head)[..], &head, &length(&call.body), &call.body].concat(),
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Writes a request and reads the answer: the inner result is the client's, and leaves the process as good as it was.
pub(super) async fn exchange(
    form: Form,
    call: &Call,
    input: &mut (impl AsyncWrite + Unpin),
    output: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> Result<Result<Vec<u8>, HostError>, Broken> {
    let request = written(form, call);
    // It may answer before it has read all.
    let writing = async { input.write_all(&request).await.and(input.flush().await).map_err(Broken::from) };
    let reading = async {
        match form {
            Form::Lines => read_line(call, output, most).await,
            Form::Frames => read_frame(output, most).await,
        }
    };
    let ((), answer) = tokio::try_join!(writing, reading)?;
    Ok(answer)
}

async fn read_line(
    call: &Call,
    output: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> Result<Result<Vec<u8>, HostError>, Broken> {
    // Base64 is a third longer, and there is something around it.
    let longest = most / 3 * 4 + 8192;
    let mut line = Vec::new();
    (&mut *output).take(longest as u64).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Err(if line.len() < longest { Broken::Ended } else { Broken::TooLarge(too_large(most)) });
    }
    let nonsense = |what: String| Broken::Nonsense(what);
    let answered: Answered =
        serde_json::from_slice(&line).map_err(|error| nonsense(format!("no JSON of an answer: {error}")))?;
    if answered.message_id.is_some_and(|id| id != call.message) {
        return Err(nonsense("an answer to another request".to_owned()));
    }
    match (answered.payload, answered.fault, answered.retry) {
        (Some(payload), None, None) => {
            let bytes = BASE64.decode(payload.as_bytes());
            let bytes = bytes.map_err(|error| {
                nonsense(format!("no base64 in the payload: {}", error.to_string().trim_end_matches('.')))
            })?;
            Ok(if bytes.len() > most { Err(too_large(most)) } else { Ok(bytes) })
        }
        (None, Some(text), None) => Ok(Err(HostError::fault(answered.code, text))),
        (None, None, Some(text)) => Ok(Err(HostError::Retry(text))),
        _ => Err(nonsense("an answer has `payload`, `fault` or `retry`, one of them".to_owned())),
    }
}

async fn read_frame(
    output: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> Result<Result<Vec<u8>, HostError>, Broken> {
    let mut length = [0; 4];
    output.read_exact(&mut length).await?;
    let length = u64::from(u32::from_be_bytes(length));
    if length > most as u64 + 1 {
        return Err(Broken::TooLarge(too_large(most)));
    }
    let mut bytes = Vec::new();
    let read = (&mut *output).take(length).read_to_end(&mut bytes).await?;
    if (read as u64) < length {
        return Err(Error::from(ErrorKind::UnexpectedEof).into());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match bytes.split_first() {
        Some((0, _)) => Ok(Ok(bytes.split_off(1))),
        Some((1, said)) => Ok(Err(HostError::fault(1, text(said)))),
        Some((2, said)) => Ok(Err(HostError::Retry(text(said)))),
        _ => Err(Broken::Nonsense("a frame begins with 0, 1 or 2".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::call::sample;

    async fn answer(form: Form, said: &[u8]) -> Result<Result<Vec<u8>, HostError>, Broken> {
        exchange(form, &sample("add", "ab"), &mut tokio::io::sink(), &mut &*said, 10).await
    }

    #[test]
    fn requests_are_written_as_it_is_said() {
        let head = format!(
            r#"{{"messageId":"{:032x}","sessionId":"{:032x}","tries":0,"action":"add","userData":"data""#,
            9, 7
        );
        let line = written(Form::Lines, &sample("add", "ab"));
        assert_eq!(String::from_utf8(line).unwrap(), format!("{head},\"payload\":\"YWI=\"}}\n"));
        let frames = written(Form::Frames, &sample("add", "ab"));
        let size = head.len() + 1;
        assert_eq!(frames[..4], u32::try_from(size).unwrap().to_be_bytes());
        assert_eq!(frames[4 + size..], *b"\0\0\0\x02ab");
    }

    #[tokio::test]
    async fn lines_are_answers_faults_or_nonsense() {
        let line = async |said: &str| answer(Form::Lines, said.as_bytes()).await;
        assert_eq!(line("{\"payload\": \"YWI=\"}\n").await.unwrap(), Ok(b"ab".to_vec()));
        let fault = line("{\"fault\": \"no\", \"code\": 4}\n").await.unwrap();
        assert_eq!(fault, Err(HostError::fault(4, "no")));
        assert_eq!(line("{\"retry\": \"busy\"}\n").await.unwrap(), Err(HostError::Retry("busy".into())));
        assert_eq!(line("{\"payload\": \"YWJjZGVmZ2hpamtsbW5v\"}\n").await.unwrap(), Err(too_large(10)));
        for nonsense in ["x\n", "{}\n", "{\"payload\": \"%\"}\n", "{\"payload\": \"\", \"fault\": \"\"}\n"] {
            assert!(matches!(line(nonsense).await, Err(Broken::Nonsense(_))), "{nonsense}");
        }
        let other = line("{\"payload\": \"\", \"messageId\": \"8\"}\n").await;
        assert!(matches!(other, Err(Broken::Nonsense(_))));
        assert!(matches!(line("{\"payload\"").await, Err(Broken::Ended)));
        assert!(matches!(line(&"x".repeat(20_000)).await, Err(Broken::TooLarge(_))));
    }

    #[tokio::test]
    async fn frames_are_answers_faults_or_nonsense() {
        let frame = async |said: &[u8]| answer(Form::Frames, said).await;
        assert_eq!(frame(b"\0\0\0\x03\0ab").await.unwrap(), Ok(b"ab".to_vec()));
        assert_eq!(frame(b"\0\0\0\x03\x01no").await.unwrap(), Err(HostError::fault(1, "no")));
        assert_eq!(frame(b"\0\0\0\x05\x02busy").await.unwrap(), Err(HostError::Retry("busy".into())));
        for cut in [&b""[..], b"\0\0\0", b"\0\0\0\x03\0a"] {
            assert!(matches!(frame(cut).await, Err(Broken::Ended)), "{cut:?}");
        }
        assert!(matches!(frame(b"\0\0\0\0").await, Err(Broken::Nonsense(_))));
        assert!(matches!(frame(b"\0\0\0\x02\x07a").await, Err(Broken::Nonsense(_))));
        // Nothing is sized from a length that a process says.
        assert!(matches!(frame(b"\xff\xff\xff\xff\0").await, Err(Broken::TooLarge(_))));
    }
}
