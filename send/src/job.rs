//! Which job this is, as ecFlow and Slurm tell their jobs. Secrets of theirs, such as `ECF_PASS`, go nowhere.

/// A lookup in the environment; empty is not set.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What a relay takes as a name.
const MAX_NAME: usize = 256;

/// The job's name: the same for all messages of one attempt of one task or step. Empty outside of both systems.
pub(crate) fn name(environment: Environment<'_>) -> String {
    let name = ecflow(environment).or_else(|| slurm(environment)).unwrap_or_default();
    printable(&name)
}

/// A task of ecFlow, and which attempt. The server's own environment leaks into jobs that it starts itself, so only all of
/// these together say that this is one.
fn ecflow(environment: Environment<'_>) -> Option<String> {
    let (task, attempt) = (environment("ECF_NAME")?, environment("ECF_TRYNO")?);
    environment("ECF_PASS")?;
    let get = |name| environment(name).unwrap_or_default();
    let rid = environment("ECF_RID").map(|rid| format!("/{rid}")).unwrap_or_default();
    Some(format!("ecflow:{}:{}{task}#{attempt}{rid}", get("ECF_HOST"), get("ECF_PORT")))
}

/// A step of Slurm, or its batch script. A requeued job keeps its id; how often it was is called differently in an epilog.
fn slurm(environment: Environment<'_>) -> Option<String> {
    let job = environment("SLURM_JOB_ID")?;
    let cluster = environment("SLURM_CLUSTER_NAME").unwrap_or_default();
    let restarts = environment("SLURM_RESTART_COUNT").or_else(|| environment("SLURM_JOB_RESTART_COUNT"));
    let restarts = restarts.unwrap_or_else(|| "0".to_owned());
    let step = match environment("SLURM_STEP_ID") {
        Some(step) => format!("{step}.{}", environment("SLURM_PROCID").unwrap_or_else(|| "0".to_owned())),
        None => "batch".to_owned(),
    };
    Some(format!("slurm:{cluster}/{job}.{restarts}/{step}"))
}

/// As a header may have it.
fn printable(name: &str) -> String {
    let visible = name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' });
    visible.take(MAX_NAME).collect()
}

/// A key for one message of the job, as no other has.
pub(crate) fn key(job: &str) -> String {
    let random = format!("{:032x}", rand::random::<u128>());
    let room = MAX_NAME - random.len() - 1;
    match job {
        "" => random,
        job => format!("{}-{random}", &job[..job.len().min(room)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(pairs: &[(&str, &str)]) -> String {
        name(&|wanted| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_task_of_ecflow_is_known_by_all_that_its_script_exports() {
        let task = [
            ("ECF_HOST", "login1"),
            ("ECF_PORT", "33083"),
            ("ECF_NAME", "/gfs/00/post"),
            ("ECF_TRYNO", "2"),
            ("ECF_RID", "4711"),
            ("ECF_PASS", "s3cr.t/x"),
        ];
        assert_eq!(name_of(&task), "ecflow:login1:33083/gfs/00/post#2/4711");
        // What the server has leaked.
        assert_eq!(name_of(&[("ECF_HOME", "/home/ecflow"), ("ECF_NAME", "/gfs/00/post")]), "");
    }

    #[test]
    fn a_job_of_slurm_is_known_by_its_id_and_how_often_it_was_requeued() {
        let batch = [("SLURM_JOB_ID", "7"), ("SLURM_CLUSTER_NAME", "pi"), ("SLURM_PROCID", "0")];
        assert_eq!(name_of(&batch), "slurm:pi/7.0/batch");
        let step =
            [batch[0], batch[1], ("SLURM_STEP_ID", "3"), ("SLURM_PROCID", "5"), ("SLURM_RESTART_COUNT", "1")];
        assert_eq!(name_of(&step), "slurm:pi/7.1/3.5");
        let epilog = [batch[0], batch[1], ("SLURM_JOB_RESTART_COUNT", "1")];
        assert_eq!(name_of(&epilog), "slurm:pi/7.1/batch");
        assert_eq!(name_of(&[]), "");
    }

    #[test]
    fn names_and_keys_fit_into_headers() {
        let long = "ä ".repeat(400);
        let name = name_of(&[("SLURM_JOB_ID", &long)]);
        assert!(name.len() == MAX_NAME && name.is_ascii() && !name.contains(' '), "{name}");
        let (one, two) = (key(&name), key(&name));
        assert!(one.len() == MAX_NAME && one != two, "{one}");
        assert_eq!(key("").len(), 32);
    }
}
