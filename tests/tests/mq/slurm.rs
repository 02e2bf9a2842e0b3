//! Slurm on a node of its own, which is this machine, and what else starts daemons for jobs.

use frontier_tests::{DEADLINE, eventually};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Programs that end with the test.
pub(crate) struct Daemons(pub(crate) Vec<Child>);

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.0 {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

pub(crate) fn spawn(mut command: Command, log: &Path) -> Child {
    let log = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: install ecflow-server, ecflow-client, slurm-wlm")
    })
}

pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Slurm with one node, which is this machine.
pub(crate) struct Slurm {
    home: TempDir,
    _daemons: Daemons,
}

impl Slurm {
    /// Starts it, with this as its epilog.
    pub(crate) async fn start(epilog: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for name in ["state", "spool"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        write(&path("epilog"), &format!("#!/bin/bash\n{epilog}\n"));
        let node = output(&mut Command::new("hostname"));
        let (node, here) = (node.trim(), home.path().display());
        let config = format!(
            "ClusterName=pi\nSlurmctldHost={node}(127.0.0.1)\nSlurmctldPort={}\nSlurmdPort={}\nAuthType=auth/none\n\
             CredType=cred/none\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSlurmUser=root\nSlurmdUser=root\n\
             StateSaveLocation={here}/state\nSlurmdSpoolDir={here}/spool\nSlurmctldPidFile={here}/ctld.pid\n\
             SlurmdPidFile={here}/d.pid\nSlurmctldLogFile={here}/ctld.log\nSlurmdLogFile={here}/d.log\nReturnToService=2\n\
             SwitchType=switch/none\nMpiDefault=none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n\
             SchedulerParameters=batch_sched_delay=0,sched_interval=1\nAccountingStorageType=accounting_storage/none\n\
             JobCompType=jobcomp/none\nKillWait=5\nEpilog={here}/epilog\nNodeName={node} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN\n\
             PartitionName=p Nodes={node} Default=YES MaxTime=INFINITE State=UP\n",
            free_port(),
            free_port()
        );
        write(&path("slurm.conf"), &config);
        let daemons = ["slurmctld", "slurmd"].map(|name| {
            let mut command = Command::new(name);
            command.arg("-D").env("SLURM_CONF", path("slurm.conf")).current_dir(home.path());
            spawn(command, &path(name))
        });
        let slurm = Self { _daemons: Daemons(daemons.into()), home };
        let idle = async || slurm.run("sinfo", &["-h", "-o", "%t"]).contains("idle").then_some(());
        eventually(DEADLINE, "the node is idle", idle).await;
        slurm
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).env("SLURM_CONF", self.path("slurm.conf")).current_dir(self.home.path());
        output(&mut command)
    }

    /// Runs a batch script to its end, which is well.
    pub(crate) fn batch(&self, script: &str, options: &[&str]) {
        write(&self.path("job.sh"), &format!("#!/bin/bash\nset -e\n{script}\n"));
        let mut command = Command::new("sbatch");
        command.args(["-W", "-o", "out.%j"]).args(options).arg("job.sh");
        let status =
            command.env("SLURM_CONF", self.path("slurm.conf")).current_dir(self.home.path()).status();
        assert!(status.unwrap().success(), "{}", self.said());
    }

    /// Hands in a batch script, which is not waited for: the number of the job.
    pub(crate) fn submit(&self, name: &str, script: &str, options: &[&str]) -> String {
        write(&self.path(name), &format!("#!/bin/bash\n{script}\n"));
        let said = self.run("sbatch", &[&["--parsable", "-o", "out.%j"], options, &[name]].concat());
        let job = said.trim().to_owned();
        assert!(job.parse::<u32>().is_ok(), "{said}");
        job
    }

    /// What Slurm says of a job, under this name.
    pub(crate) fn of_job(&self, job: &str, name: &str) -> String {
        let said = self.run("scontrol", &["show", "job", job]);
        let value = said.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name}: {said}")).to_owned()
    }

    /// What its jobs have printed.
    pub(crate) fn said(&self) -> String {
        let files = std::fs::read_dir(self.home.path()).unwrap().filter_map(Result::ok);
        let outputs = files.filter(|it| it.file_name().to_string_lossy().starts_with("out."));
        outputs.map(|it| std::fs::read_to_string(it.path()).unwrap()).collect()
    }
}
