//! Processes that read one request after the other.

use super::Form;
use super::call::{Call, detail, too_late};
use super::process::{Group, Pipes, Tail};
use super::program::Program;
use super::talk::{Broken, exchange};
use frontier_sdk::HostError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Semaphore;
use tokio::time::{timeout, timeout_at};

/// How long a process may take to end, once it has closed its output, for its exit code to be told.
const ENDING: Duration = Duration::from_secs(1);

/// So many processes as may be, each of which is started when it is needed and goes on with the next request.
pub(super) struct Pool {
    program: Program,
    form: Form,
    places: Semaphore,
    idle: Mutex<Vec<Process>>,
}

/// One of them. It has one request at a time, and is killed when that is given up: what it says later is not taken for
/// the answer to the next one.
struct Process {
    group: Group,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    tail: Tail,
}

impl Process {
    fn start(program: &Program) -> Result<Self, HostError> {
        let (group, pipes) = program.start(&mut program.command())?;
        let Pipes { input, output, errors } = pipes;
        let tail = Tail::default();
        let reading = tail.clone();
        tokio::spawn(async move { reading.read(errors).await });
        Ok(Self { group, input, output: BufReader::new(output), tail })
    }

    /// How it has ended, in words.
    async fn ended(&mut self) -> String {
        let how = match timeout(ENDING, self.group.wait()).await {
            Ok(Ok(status)) => format!("the program has ended, {status}"),
            _ => "the program has closed its output".to_owned(),
        };
        // What it has said last is read by another task.
        tokio::task::yield_now().await;
        format!("{how}{}", detail(self.tail.text()))
    }
}

impl Pool {
    pub(super) fn new(program: Program, form: Form, most: u32) -> Self {
        let places = Semaphore::new(most as usize);
        Self { program, form, places, idle: Mutex::default() }
    }

    fn idle(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Has one of them compute it. Dropped, that one is killed.
    pub(super) async fn compute(&self, call: &Call) -> Result<Vec<u8>, HostError> {
        // It is never closed.
        let Ok(_place) = self.places.acquire().await else { return Err(HostError::GiveBack) };
        let mut process = match self.idle() {
            Some(process) => process,
            None => Process::start(&self.program)?,
        };
        process.tail.forget();
        let Process { input, output, .. } = &mut process;
        let talking = exchange(self.form, call, input, output, self.program.limits.answer);
        let answer = match timeout_at(call.deadline.into(), talking).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Broken::Ended)) => return Err(HostError::Retry(process.ended().await)),
            Ok(Err(Broken::TooLarge(fault))) => return Err(fault),
            Ok(Err(Broken::Nonsense(what))) => {
                return Err(HostError::Retry(format!("the program has said what is no answer: {what}")));
            }
            Err(_) => return Err(too_late(&detail(process.tail.text()))),
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::call::{Limits, sample};
    use std::collections::HashSet;
    use std::time::Instant;

    /// Answers with its process id, or as the action says.
    const SCRIPT: &str = r#"
        while read -r line; do
            case "$line" in
                *'"action":"die"'*) echo out of paper >&2; exit 4 ;;
                *'"action":"hang"'*) sleep 1000 ;;
                *'"action":"fail"'*) echo '{"fault": "no", "code": 8}' ;;
                *) echo "{\"payload\": \"$(printf %s $$ | base64)\"}" ;;
            esac
        done"#;

    fn pool(most: u32) -> Pool {
        let limits = Limits { memory: None, answer: 1 << 20 };
        Pool::new(Program::new(&["sh", "-c", SCRIPT].map(str::to_owned), limits), Form::Lines, most)
    }

    #[tokio::test]
    async fn a_process_computes_one_after_the_other_and_no_more_are_started_than_may_be() {
        let pool = pool(2);
        let calls: Vec<_> = (0..20).map(|_| sample("", "")).collect();
        let answers = futures_util::future::join_all(calls.iter().map(|call| pool.compute(call))).await;
        let ids: HashSet<_> = answers.into_iter().map(Result::unwrap).collect();
        assert!((1..=2).contains(&ids.len()), "{ids:?}");
        assert_eq!(pool.compute(&sample("fail", "")).await, Err(HostError::fault(8, "no")));
        let again = pool.compute(&sample("", "")).await.unwrap();
        assert!(ids.contains(&again), "a fault is an answer like others");
    }

    #[tokio::test]
    async fn one_that_dies_or_hangs_is_replaced_and_its_request_tried_again() {
        let pool = pool(1);
        let first = pool.compute(&sample("", "")).await.unwrap();
        let Err(HostError::Retry(text)) = pool.compute(&sample("die", "")).await else { panic!() };
        assert!(text.contains("exit status: 4") && text.contains("out of paper"), "{text}");
        let second = pool.compute(&sample("", "")).await.unwrap();
        assert_ne!(first, second);
        let mut call = sample("hang", "");
        call.deadline = Instant::now() + Duration::from_millis(100);
        let late = pool.compute(&call).await;
        assert!(matches!(late, Err(HostError::Retry(_))), "{late:?}");
        assert_ne!(pool.compute(&sample("", "")).await.unwrap(), second);
    }
}
