//! What the doctor has found.

use crate::failure::{Failure, Outcome};
use crate::output::{self, Printer, Table};
use serde::Serialize;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failure,
}

/// A part, how it is, and what to do about it.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: String,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn good(&mut self, check: impl Into<String>, text: impl Into<String>) {
        self.add(check, State::Ok, text, None);
    }

    pub(super) fn warning(
        &mut self,
        check: impl Into<String>,
        text: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, State::Warning, text, Some(advice.into()));
    }

    pub(super) fn failure(&mut self, check: impl Into<String>, failure: &Failure) {
        self.add(check, State::Failure, failure.text(), failure.advice().map(str::to_owned));
    }

    pub(super) fn len(&self) -> usize {
        self.findings.len()
    }

    pub(super) fn failures(&self) -> usize {
        self.findings.iter().filter(|finding| finding.state == State::Failure).count()
    }

    pub(super) fn print(&self, printer: &Printer) -> Outcome {
        if !printer.is_for_people() {
            return printer.list(&Table::default(), &self.findings);
        }
        let mut text = String::new();
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        for Finding { check, state, text: told, advice } in &self.findings {
            let word = match state {
                State::Ok => "ok     ",
                State::Warning => "WARNING",
                State::Failure => "WRONG  ",
            };
            text += &format!("{word}  {check:width$}  {told}\n");
            if let Some(advice) = advice {
                text += &format!("{:1$}  {advice}\n", "", width + 9);
            }
        }
        output::write(&text)
    }

    fn add(
        &mut self,
        check: impl Into<String>,
        state: State,
        text: impl Into<String>,
        advice: Option<String>,
    ) {
        self.findings.push(Finding { check: check.into(), state, text: text.into(), advice });
    }
}
