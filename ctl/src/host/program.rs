//! A process for each request.

use super::call::{Call, Limits, too_large, too_late};
use super::executable;
use super::process::{Group, Pipes, Running, Tail, judge, told};
use frontier_sdk::HostError;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{timeout, timeout_at};

/// How long what a program leaves behind may keep its output open, once it has ended itself.
const LEFTOVERS: Duration = Duration::from_millis(500);

/// What limits a process before it becomes the program. The number is in KiB.
const LIMITED: &str = r#"ulimit -v "$1" && shift && exec "$@""#;

/// A program to be run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    words: Vec<String>,
    pub(super) limits: Limits,
    pub(super) running: Running,
}

impl Program {
    pub(super) fn new(words: &[String], limits: Limits) -> Self {
        Self { words: words.to_vec(), limits, running: Running::default() }
    }

    /// Whether there is such a program, and memory can be limited here as it is asked for.
    pub(super) async fn check(&self) -> Result<(), String> {
        self.look_for()?;
        let Some(bytes) = self.limits.memory else { return Ok(()) };
        let kib = (bytes / 1024).max(1).to_string();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"ulimit -v "$1""#, "sh", &kib]).stdin(Stdio::null()).kill_on_drop(true);
        let done = command.output().await.map_err(|error| format!("--max-memory takes /bin/sh: {error}"))?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(format!("--max-memory can't be had here: {said}"))
    }

    fn look_for(&self) -> Result<(), String> {
        // The command line asks for one.
        let Some(name) = self.words.first() else { return Ok(()) };
        executable::check(Path::new(name)).map_err(|why| format!("{name}: {why}"))
    }

    /// Starts it. Why that can't be is said on standard error as well.
    pub(super) fn start(&self, command: &mut Command) -> Result<(Group, Pipes), HostError> {
        // The shell that limits it is there in any case, and its exit code would be taken for that of the program.
        if self.limits.memory.is_some() {
            self.look_for().map_err(|why| {
                told(HostError::NotInitialized(format!("the program can't be started: {why}")))
            })?;
        }
        Group::spawn(command, &self.running)
    }

    pub(super) fn command(&self) -> Command {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let limited = self.limits.memory.map(|bytes| (bytes / 1024).max(1).to_string());
        let mut command = match (&limited, &words[..]) {
            (Some(kib), words) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", LIMITED, "sh", kib]).args(words);
                command
            }
            (None, [program, arguments @ ..]) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            // The command line asks for one.
            (None, []) => Command::new("false"),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it once. Dropped, it is killed.
    pub(super) async fn compute(&self, call: &Call) -> Result<Vec<u8>, HostError> {
        let mut command = self.command();
        command
            .env("FRONTIER_SESSION", &call.session)
            .env("FRONTIER_MESSAGE", &call.message)
            .env("FRONTIER_TRIES", call.tries.to_string())
            .env("FRONTIER_ACTION", &*call.action)
            .env("FRONTIER_USER_DATA", &*call.user_data);
        let (mut group, pipes) = self.start(&mut command)?;
        let tail = Tail::default();
        let run = self.run(&mut group, pipes, call, &tail);
        match timeout_at(call.deadline.into(), run).await {
            Ok(done) => done,
            Err(_) => Err(too_late(&super::call::detail(tail.text()))),
        }
    }

    async fn run(
        &self,
        group: &mut Group,
        pipes: Pipes,
        call: &Call,
        tail: &Tail,
    ) -> Result<Vec<u8>, HostError> {
        let Pipes { mut input, output, errors } = pipes;
        let feeding = async move {
            // A program need not read all that it is given.
            let _ = input.write_all(&call.body).await;
        };
        let most = self.limits.answer;
        let reading = async {
            let mut answer = Vec::new();
            // One more shows that there is more.
            let read = output.take(most as u64 + 1).read_to_end(&mut answer).await;
            read.map(|_| answer)
        };
        let talking = async { tokio::join!(feeding, reading, tail.read(errors)).1 };
        tokio::pin!(talking);
        let is_too_large = |answer: &Vec<u8>| answer.len() > most;
        // Whichever comes first: all was read and written, or the program has ended and something that it has started has not.
        let (status, answer) = tokio::select! {
            answer = &mut talking => {
                if answer.as_ref().is_ok_and(is_too_large) {
                    return Err(too_large(most));
                }
                (group.wait().await, answer)
            }
            status = group.wait() => {
                if let Ok(answer) = timeout(LEFTOVERS, &mut talking).await {
                    (status, answer)
                } else {
                    group.kill();
                    (status, talking.await)
                }
            }
        };
        // A program whose answer is read no further ends by that.
        if answer.as_ref().is_ok_and(is_too_large) {
            return Err(too_large(most));
        }
        let status = status.map_err(|error| HostError::Retry(format!("the program is lost: {error}")))?;
        judge(status, &tail.text())?;
        answer.map_err(|error| HostError::Retry(format!("the answer is lost: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::call::sample;
    use std::time::Instant;

    fn program(script: &str, limits: Limits) -> Program {
        Program::new(&["sh", "-c", script].map(str::to_owned), limits)
    }

    const LIMITS: Limits = Limits { memory: None, answer: 1 << 20 };

    async fn run(script: &str, body: &str) -> Result<String, HostError> {
        let answer = program(script, LIMITS).compute(&sample("add", body)).await;
        answer.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[tokio::test]
    async fn the_body_goes_in_and_the_answer_comes_out() {
        assert_eq!(run("cat", "hello").await, Ok("hello".to_owned()));
        let said =
            run(r#"echo "$FRONTIER_ACTION $FRONTIER_USER_DATA $FRONTIER_TRIES $FRONTIER_MESSAGE""#, "").await;
        assert_eq!(said, Ok(format!("add data 0 {:032x}\n", 9)));
        // It reads none of much.
        assert_eq!(run("echo done", &"x".repeat(1 << 20)).await, Ok("done\n".to_owned()));
        assert_eq!(run("cat", &"x".repeat(1 << 20)).await.unwrap().len(), 1 << 20);
    }

    #[tokio::test]
    async fn an_exit_code_is_a_fault_with_what_was_said_last() {
        let fault = run("echo first >&2; echo no such number >&2; exit 3", "").await;
        assert_eq!(fault, Err(HostError::fault(3, "exit code 3: first\nno such number")));
        let long = run("yes abcdefg | head -c 100000 >&2; echo the end >&2; exit 1", "").await.unwrap_err();
        let HostError::Fault { code: 1, text } = long else { panic!("{long:?}") };
        assert!(text.ends_with("the end") && text.len() < DETAIL_AND_MORE, "{}", text.len());
        assert_eq!(
            run("echo busy >&2; exit 75", "").await,
            Err(HostError::Retry("exit code 75: busy".into()))
        );
        assert_eq!(run("kill -9 $$", "").await, Err(HostError::fault(137, "killed by signal 9")));
        for memory in [None, Some(1 << 30)] {
            let nothing = Program::new(&["/no/such/program".to_owned()], Limits { memory, ..LIMITS });
            assert_eq!(nothing.check().await, Err("/no/such/program: no such file".to_owned()));
            let Err(HostError::NotInitialized(why)) = nothing.compute(&sample("", "")).await else {
                panic!()
            };
            assert_eq!(why, "the program can't be started: /no/such/program: no such file", "{memory:?}");
        }
        let zero = program("true", LIMITS).compute(&sample("a\0b", "")).await;
        assert!(matches!(zero, Err(HostError::Fault { code: 1, .. })), "{zero:?}");
    }

    const DETAIL_AND_MORE: usize = super::super::call::DETAIL + 100;

    /// Whether there is such a process, and it is not waited for alone.
    fn is_running(id: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_given_up_and_killed_with_all_that_it_has_started() {
        let mut call = sample("", "");
        call.deadline = Instant::now() + Duration::from_millis(200);
        let late = program("sleep 1000", LIMITS).compute(&call).await;
        assert_eq!(late, Err(HostError::Retry("it has taken too long".to_owned())));
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", mark.display());
        let (program, call) = (program(&script, LIMITS), sample("", ""));
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let started = async {
            while !mark.exists() {
                look.tick().await;
            }
        };
        tokio::select! {
            done = program.compute(&call) => panic!("{done:?}"),
            () = started => {}
        }
        let id = std::fs::read_to_string(&mark).unwrap().trim().to_owned();
        let gone = async {
            while is_running(&id) {
                look.tick().await;
            }
        };
        timeout(Duration::from_secs(30), gone).await.expect("nothing of it is left");
    }

    #[tokio::test]
    async fn those_that_run_are_killed_when_the_host_ends() {
        let program = program("echo begun >&2; sleep 1000", LIMITS);
        let call = sample("", "");
        let ending = async {
            // Nothing tells that it runs, so it is said until it has helped.
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                program.running.kill();
            }
        };
        let killed = tokio::select! {
            killed = program.compute(&call) => killed,
            () = ending => unreachable!("it goes on"),
        };
        assert!(matches!(killed, Err(HostError::Fault { code: 137, .. })), "{killed:?}");
    }

    #[tokio::test]
    async fn what_is_left_behind_does_not_hold_up_the_answer() {
        let begun = Instant::now();
        assert_eq!(run("sleep 1000 & echo done", "").await, Ok("done\n".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_and_memory_that_is_too_much_are_faults() {
        let limits = Limits { answer: 1000, ..LIMITS };
        let large = program("yes", limits).compute(&sample("", "")).await;
        assert_eq!(large, Err(too_large(1000)));
        let exact = program("head -c 1000 /dev/zero", limits).compute(&sample("", "")).await;
        assert_eq!(exact.unwrap().len(), 1000);
        let limited = program(
            "head -c 300000000 /dev/zero | tail -c 299999999 > /dev/null || exit 9",
            Limits { memory: Some(100 << 20), ..LIMITS },
        );
        limited.check().await.unwrap();
        let starved = limited.compute(&sample("", "")).await;
        assert!(matches!(starved, Err(HostError::Fault { code: 9, .. })), "{starved:?}");
    }
}
