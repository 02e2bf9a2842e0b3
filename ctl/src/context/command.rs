//! `frontctl context`: what contexts there are, and changing them.

use super::file::NamedContext;
use super::{ContextFile, Token};
use crate::failure::{Failure, Outcome};
use crate::output::{Printer, Table};
use crate::settings::ConnectionOptions;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;

/// Longer ones no gateway takes.
const MAX_TOKEN_LEN: u64 = 16 * 1024;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List all contexts.
    Ls,
    /// Add one, of what the connection options say.
    Add(Add),
    /// Choose the one that commands go by.
    Use {
        /// Its name.
        name: String,
    },
    /// Show one, with its tokens masked: the current one unless named.
    Show {
        /// Its name.
        name: Option<String>,
    },
    /// Remove one.
    Rm {
        /// Its name.
        name: String,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Add {
    /// Its name.
    name: String,
    /// Read the token from standard input and keep it in the file of the contexts.
    #[arg(long, conflicts_with = "token_file")]
    token_stdin: bool,
    /// The file with the token for where edges connect to, if it is another one.
    #[arg(long, value_name = "FILE")]
    edge_token_file: Option<PathBuf>,
    /// The file with the token for where services connect to, if it is another one.
    #[arg(long, value_name = "FILE")]
    service_token_file: Option<PathBuf>,
    /// Go by it from now on. The first one is gone by in any case.
    #[arg(long = "use")]
    use_it: bool,
    /// Replace one of this name.
    #[arg(long)]
    force: bool,
}

impl ContextCommand {
    pub(crate) fn run(self, options: &ConnectionOptions, printer: &Printer) -> Outcome {
        let mut file = ContextFile::load(options.config.as_deref())?;
        match self {
            Self::Ls => return list(&file, options, printer),
            Self::Show { name } => {
                let chosen = file.chosen(name.as_deref().or(options.context.as_deref()))?;
                let Some(shown) = chosen else {
                    return Err(Failure::usage("no context is chosen")
                        .advise("`frontctl context use NAME` does that"));
                };
                return show(shown, printer);
            }
            Self::Use { name } => {
                file.find(&name)?;
                file.current = Some(name);
            }
            Self::Rm { name } => {
                file.find(&name)?;
                file.contexts.retain(|context| context.name != name);
                file.current = file.current.filter(|current| *current != name);
            }
            Self::Add(add) => add.to(&mut file, options)?,
        }
        file.save()
    }
}

impl Add {
    fn to(self, file: &mut ContextFile, options: &ConnectionOptions) -> Outcome {
        let mut context = options.given();
        context.edge_token = self.edge_token_file.map(Token::File);
        context.service_token = self.service_token_file.map(Token::File);
        if self.token_stdin {
            context.token = Some(Token::Text(read_token()?));
        }
        context.check()?;
        // It is read from another folder the next time.
        let mut paths: Vec<&mut PathBuf> = context.ca.iter_mut().collect();
        paths.extend(context.cert.as_mut());
        paths.extend(context.key.as_mut());
        for path in paths {
            make_absolute(path)?;
        }
        for (_, token) in context.tokens() {
            if let Some(Token::File(path)) = token {
                make_absolute(path)?;
            }
        }
        let name = self.name;
        if name.is_empty() || name.contains(char::is_control) {
            return Err(Failure::usage("the name of a context is text of one line, and not empty"));
        }
        if file.find(&name).is_ok() {
            if !self.force {
                return Err(Failure::usage(format!("there is a context {name:?} already"))
                    .advise("--force replaces it"));
            }
            file.contexts.retain(|context| context.name != name);
        }
        if self.use_it || file.contexts.is_empty() {
            file.current = Some(name.clone());
        }
        file.contexts.push(NamedContext { name, context });
        Ok(())
    }
}

fn make_absolute(path: &mut PathBuf) -> Outcome {
    let absolute = std::path::absolute(&*path);
    *path = absolute.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(())
}

fn read_token() -> Outcome<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_TOKEN_LEN + 2).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("the token can't be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() || token.len() as u64 > MAX_TOKEN_LEN {
        return Err(Failure::usage(format!(
            "a token has 1 to {MAX_TOKEN_LEN} bytes, this one has {}",
            token.len()
        )));
    }
    Ok(token.to_owned())
}

fn list(file: &ContextFile, options: &ConnectionOptions, printer: &Printer) -> Outcome {
    let current = options.context.as_ref().or(file.current.as_ref());
    let mut table = Table::new(&["CURRENT", "NAME", "FRONTLAS", "GATEWAY", "EDGEBOUND", "SERVICEBOUND"]);
    let mut documents = Vec::new();
    for NamedContext { name, context } in &file.contexts {
        let is_current = current == Some(name);
        let url = |url: &Option<String>| url.clone().unwrap_or_default();
        table.row([
            if is_current { "*".to_owned() } else { String::new() },
            name.clone(),
            url(&context.frontlas),
            url(&context.gateway),
            url(&context.edgebound),
            url(&context.servicebound),
        ]);
        let mut document = masked(&NamedContext { name: name.clone(), context: context.clone() })?;
        document["current"] = is_current.into();
        documents.push(document);
    }
    printer.list(&table, &documents)
}

fn show(named: &NamedContext, printer: &Printer) -> Outcome {
    let document = masked(named)?;
    let mut table = Table::new(&["KEY", "VALUE"]);
    for (key, value) in document.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table.row([key.clone(), text]);
    }
    printer.one(&table, &document)
}

/// As a document, without tokens.
fn masked(named: &NamedContext) -> Outcome<Value> {
    let mut named = named.clone();
    for (_, token) in named.context.tokens() {
        if let Some(Token::Text(text)) = token {
            *text = "****".to_owned();
        }
    }
    serde_json::to_value(&named).map_err(|error| Failure::usage(json!(error.to_string())))
}
