//! What the program says and exits with; serving itself is tested from outside, as a process.

use super::serve::not_bound;
use super::*;
use crate::StartError;
use std::net::TcpListener;

/// What the program does with these arguments and this input: its exit code, and what it says.
fn execute(arguments: &[&str], input: &str) -> (Exit, String) {
    let cli = Cli::try_parse_from([&["frontier"], arguments].concat()).expect("the command line is right");
    let mut output = Vec::new();
    match cli.execute(input.as_bytes(), &mut output) {
        Ok(exit) => (exit, String::from_utf8(output).unwrap()),
        Err(failure) => {
            assert!(output.is_empty(), "a failure prints nothing to standard output");
            (failure.exit, failure.text)
        }
    }
}

fn file(text: &str) -> tempfile::TempPath {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.into_temp_path()
}

#[test]
fn a_wrong_command_line_is_a_mistake_of_usage_and_help_and_version_are_none() {
    for wrong in [&["--no-such-option"][..], &["--config"], &["no-such-command"], &["token"], &["demo"]] {
        assert_eq!(run([&["frontier"], wrong].concat()), Exit::Usage, "{wrong:?}");
    }
    for asked in ["--help", "--version"] {
        assert_eq!(run(["frontier", asked]), Exit::Ok, "{asked}");
    }
}

#[test]
fn the_help_names_every_variable_that_replaces_a_key() {
    use clap::CommandFactory as _;
    let help = Cli::command().render_help().to_string();
    for variable in Config::OVERRIDES {
        assert!(help.contains(variable.variable()) && help.contains(variable.path()), "{help}");
    }
}

#[test]
fn options_about_the_log_replace_the_file_and_those_of_the_original_are_taken() {
    let path = file("log: {level: info, output: stdout}");
    let path = path.to_str().unwrap();
    let check = |options: &[&str]| execute(&[&["--config", path, "--check"], options].concat(), "");
    assert_eq!(check(&["--loglevel", "warn", "--log-file", "/l", "--daemon-rlimit-nofile"]).0, Exit::Ok);
    let (exit, text) = check(&["--loglevel=frontier=loud", "--log-output", "file"]);
    for part in ["option --loglevel: log.level: ", "option --log-output: log.output: "] {
        assert!(exit == Exit::Usage && text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("FRONTIER_LOG"), "{text}");
}

#[test]
fn relative_paths_start_at_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("frontier.yaml");
    std::fs::write(&config, "access: {rules_file: rules.yaml}").unwrap();
    let (exit, text) = execute(&["--check", "--config", config.to_str().unwrap()], "");
    let missing =
        format!("access.rules_file: {}: there is no such file", folder.path().join("rules.yaml").display());
    assert!(exit == Exit::Usage && text.contains(&missing), "{text}");
    std::fs::write(folder.path().join("rules.yaml"), "default: allow").unwrap();
    assert_eq!(execute(&["--check", "--config", config.to_str().unwrap()], "").0, Exit::Ok);
}

#[test]
fn check_says_whether_the_configuration_is_valid() {
    let good = file("daemon: {threads: 1}");
    let valid = (Exit::Ok, "the configuration is valid\n".to_owned());
    assert_eq!(execute(&["--check", "--config", good.to_str().unwrap()], ""), valid);
    let bad = file("daemon: {thread: 1}\nlimits: {heartbeat: 20}");
    let (exit, text) = execute(&["--check", "--config", bad.to_str().unwrap()], "");
    assert_eq!(exit, Exit::Usage);
    for part in [bad.to_str().unwrap(), "2 mistakes", "daemon.thread", "`threads`", "limits.heartbeat"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn check_reads_the_files_that_the_configuration_names() {
    let config = file("access: {rules_file: /nowhere/rules.yaml}");
    let (exit, text) = execute(&["--check", "--config", config.to_str().unwrap()], "");
    assert_eq!(exit, Exit::Usage);
    assert!(
        text.contains("line 1, column 22: access.rules_file: /nowhere/rules.yaml: there is no such file"),
        "{text}"
    );
}

#[test]
fn a_start_refuses_what_check_refuses_in_the_same_words() {
    for yaml in [
        "{servicebound: {listen: {addr: 127.0.0.1:30011}}, frontlas: {enable: true}}",
        "{edgebound: {listen: {addr: 127.0.0.1:9}}, servicebound: {listen: {addr: 127.0.0.1:9}}}",
        "{edgebound: {alternatives: ['tcp://${OTHER}:30012']}}",
        "{edgebound: {auth: {methods: [{token: {file: /nowhere/tokens}}]}}}",
    ] {
        let config = file(yaml);
        let path = config.to_str().unwrap();
        let (checked, started) =
            (execute(&["--check", "--config", path], ""), execute(&["--config", path], ""));
        assert_eq!(checked.0, Exit::Usage, "{yaml}");
        assert_eq!(started, checked, "{yaml}");
    }
}

#[test]
fn check_warns_of_certificates_that_clients_would_refuse() {
    let dir = tempfile::tempdir().unwrap();
    execute(&["cert", "dev", "--out", dir.path().to_str().unwrap()], "");
    let listen = |advertised: &str| {
        let yaml = "
edgebound:
  listen:
    addr: 127.0.0.1:1
    advertised_addr: 'HOST:30012'
    tls: {enable: true, certs: [{cert: DIR/server.pem, key: DIR/server-key.pem}]}
";
        let config = file(&yaml.replace("DIR", dir.path().to_str().unwrap()).replace("HOST", advertised));
        execute(&["--check", "--config", config.to_str().unwrap()], "")
    };
    assert_eq!(listen("localhost"), (Exit::Ok, "the configuration is valid\n".to_owned()));
    assert_eq!(listen("127.0.0.1").1, "the configuration is valid\n");
    let (exit, text) = listen("gateway.example");
    let warning = "warning: edgebound 127.0.0.1:1: no certificate is for `gateway.example` of `advertised_addr`: \
        who is sent there refuses it\nthe configuration is valid\n";
    assert_eq!((exit, text.as_str()), (Exit::Ok, warning));
}

#[test]
fn without_a_readable_configuration_nothing_starts() {
    for arguments in
        [&["--config", "/nowhere/frontier.yaml"][..], &["--check", "--config", "/nowhere/frontier.yaml"]]
    {
        let (exit, text) = execute(arguments, "");
        assert!(
            exit == Exit::Usage && text.starts_with("/nowhere/frontier.yaml: there is no such file"),
            "{text}"
        );
    }
}

#[test]
fn tokens_go_to_standard_output_with_their_hash() {
    let (exit, made) = execute(&["token", "new"], "");
    let (token, hash) = made.strip_prefix("token: ").unwrap().split_once('\n').unwrap();
    assert_eq!(exit, Exit::Ok);
    assert_eq!(execute(&["token", "hash"], &format!("{token}\n")), (Exit::Ok, hash.to_owned()));
    let none = (Exit::Usage, "there is no token on standard input".to_owned());
    assert_eq!(execute(&["token", "hash"], ""), none);
}

#[test]
fn certificates_are_listed_as_they_are_written_and_never_overwritten_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["cert", "dev", "--out", dir.path().to_str().unwrap()];
    let (exit, text) = execute(&arguments, "");
    assert_eq!((exit, text.lines().count()), (Exit::Ok, 6), "{text}");
    assert!(text.lines().all(|path| PathBuf::from(path).is_file()), "{text}");
    let (exit, text) = execute(&arguments, "");
    assert!(exit == Exit::StartFailure && text.ends_with("is there already; --force replaces it"), "{text}");
}

#[test]
fn a_port_in_use_may_be_free_later_and_files_mend_themselves_never() {
    let source =
        TcpListener::bind("127.0.0.1:0").and_then(|it| TcpListener::bind(it.local_addr()?)).unwrap_err();
    let addr = "127.0.0.1:30012".parse().unwrap();
    let failure = not_bound(&StartError::Listen { addr, side: "edges", source });
    assert_eq!(failure.exit, Exit::StartFailure);
    let text = &failure.text;
    assert!(text.starts_with("can't listen on 127.0.0.1:30012 for edges: "), "{text}");
    assert!(text.ends_with("; stop the process that has it, or configure another port"), "{text}");
    assert_eq!(not_bound(&StartError::Nowhere("edges")).exit, Exit::StartFailure);
}
