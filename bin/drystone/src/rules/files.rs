//! The operator's policy files: one a service, taken at the start and again whenever they change.
//!
//! A file that cannot be used stops the start. Later it is left aside, and the rules before it stay in force.

use crate::settings::Settings;
use crate::wire_up;
use policy::{Notice, Policy};
use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often files are looked at.
const GLANCE: Duration = Duration::from_secs(1);

/// The rules of the cloud, and the files that change them.
#[derive(Clone)]
pub struct PolicyFiles {
    dir: PathBuf,
    policy: Arc<Policy>,
    taken: HashMap<&'static str, Stamp>,
}

/// What tells that a file has changed without reading it; none of it if there is no file.
type Stamp = Option<(i64, i64, u64, u64)>;

impl PolicyFiles {
    /// Takes every file. The error is a sentence for the operator.
    pub fn load(settings: &Settings) -> Result<Self, String> {
        let named = settings.policy_dir.clone();
        let dir = named.clone().unwrap_or_else(|| settings.state_dir.join("policy"));
        let policy = wire_up::policy().map_err(|fault| fault.to_string())?;
        let mut files = Self { dir, policy, taken: HashMap::new() };
        match std::fs::read_dir(&files.dir) {
            Ok(entries) => files.all_are_ours(entries)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {}
            Err(error) => {
                return Err(format!("The policy directory {} cannot be read: {error}.", files.dir.display()));
            }
        }
        for service in files.services() {
            let stamp = stamp(&files.path(service));
            for notice in files.take(service)? {
                tracing::warn!(file = %files.path(service).display(), "{notice}");
            }
            files.taken.insert(service, stamp);
        }
        Ok(files)
    }

    /// The rules.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.clone()
    }

    /// The file of a service.
    pub fn path(&self, service: &str) -> PathBuf {
        self.dir.join(format!("{service}.yaml"))
    }

    /// Takes files again when they change, for ever.
    pub async fn follow(mut self) {
        let mut before = HashMap::new();
        loop {
            tokio::time::sleep(GLANCE).await;
            // Some files' dates, and seldom a file: not worth a thread.
            before = self.glance(&before);
        }
    }

    /// A file that is being written is not taken before it has been the same for a while.
    fn glance(&mut self, before: &HashMap<&'static str, Stamp>) -> HashMap<&'static str, Stamp> {
        let mut now = HashMap::new();
        for service in self.services() {
            let stamp = stamp(&self.path(service));
            if before.get(service) == Some(&stamp) && self.taken.get(service) != Some(&stamp) {
                self.taken.insert(service, stamp);
                self.take_again(service, stamp.is_some());
            }
            now.insert(service, stamp);
        }
        now
    }

    /// Whoever takes a file away by mistake has other rules from then on, and nothing else tells him.
    fn take_again(&self, service: &'static str, there: bool) {
        match self.take(service) {
            Ok(_) if !there => tracing::warn!(service, "the policy file is gone, and the defaults hold"),
            Ok(notices) => {
                tracing::info!(service, "the policy file has changed and is in force");
                notices.iter().for_each(|notice| tracing::warn!(service, "policy file, {notice}"));
            }
            Err(sentence) => tracing::error!(service, "{sentence} The rules before it stay in force."),
        }
    }

    fn take(&self, service: &str) -> Result<Vec<Notice>, String> {
        let path = self.path(service);
        let file = match std::fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("The policy file {} cannot be read: {error}.", path.display())),
        };
        take(&self.policy, service, &path, &file)
    }

    fn services(&self) -> Vec<&'static str> {
        self.policy.services().collect()
    }

    /// A file that nobody would read is one that its operator believes to be in force.
    fn all_are_ours(&self, entries: std::fs::ReadDir) -> Result<(), String> {
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let has = |ending: &str| path.extension().is_some_and(|own| own == ending);
            let known = self.services().iter().any(|service| self.path(service) == path);
            if !known && ["yaml", "yml", "json"].into_iter().any(has) {
                let files: Vec<_> = self.services().iter().map(|name| format!("{name}.yaml")).collect();
                let (path, files) = (path.display(), files.join(", "));
                return Err(format!(
                    "The policy file {path} belongs to no service: the files are called {files}."
                ));
            }
        }
        Ok(())
    }
}

/// Takes what a service's file says. The error is a sentence.
pub fn take(policy: &Policy, service: &str, path: &Path, file: &[u8]) -> Result<Vec<Notice>, String> {
    policy
        .amend(service, file)
        .map_err(|why| format!("The policy file {} cannot be used: {why}.", path.display()))
}

fn stamp(path: &Path) -> Stamp {
    let found = std::fs::metadata(path).ok()?;
    // Not the time of its content, but of anything of it: a file that could not be read may be readable now.
    Some((found.ctime(), found.ctime_nsec(), found.len(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Said;
    use policy::{Target, Who};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    fn settings(dir: &Path) -> Settings {
        Settings::of(Said { state_dir: Some(dir.to_owned()), ..Said::default() }).unwrap()
    }

    fn may_list_users(files: &PolicyFiles) -> bool {
        files.policy().permits("identity", "identity:list_users", &Who::default(), &Target::none())
    }

    /// Two glances, with the file the same at both.
    fn wait(files: &mut PolicyFiles) {
        let before = files.glance(&HashMap::new());
        files.glance(&before);
    }

    #[test]
    fn a_bad_file_stops_the_start_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        assert!(PolicyFiles::load(&settings(dir.path())).is_ok(), "no files are no fault");
        let path = dir.path().join("policy");
        std::fs::create_dir(&path).unwrap();
        let file = path.join("identity.yaml");
        std::fs::write(&file, "owner: '@'\n'identity:list_users': 'role:admin or'\n").unwrap();
        let refused = PolicyFiles::load(&settings(dir.path())).err().unwrap();
        assert_eq!(
            refused,
            format!(
                "The policy file {} cannot be used: line 2: rule \"identity:list_users\": the check cannot be read at \
                 \"its end\": a check is missing.",
                file.display()
            )
        );
        std::fs::write(&file, "").unwrap();
        std::fs::write(path.join("nova.yaml"), "").unwrap();
        let refused = PolicyFiles::load(&settings(dir.path())).err().unwrap();
        assert!(
            refused.contains("nova.yaml belongs to no service: the files are called identity.yaml"),
            "{refused}"
        );
    }

    #[test]
    fn a_directory_that_is_named_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let said = Said {
            state_dir: Some(dir.path().into()),
            policy_dir: Some("/nowhere".into()),
            ..Said::default()
        };
        let refused = PolicyFiles::load(&Settings::of(said).unwrap()).err().unwrap();
        assert!(refused.starts_with("The policy directory /nowhere cannot be read"), "{refused}");
    }

    #[test]
    fn a_file_is_taken_again_when_it_changes_and_left_aside_when_it_is_bad() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policy/identity.yaml");
        std::fs::create_dir(dir.path().join("policy")).unwrap();
        let mut files = PolicyFiles::load(&settings(dir.path())).unwrap();
        assert!(!may_list_users(&files));
        std::fs::write(&file, "'identity:list_users': '@'\n").unwrap();
        let before = files.glance(&HashMap::new());
        assert!(!may_list_users(&files), "it may be half written");
        files.glance(&before);
        assert!(may_list_users(&files));
        std::fs::write(&file, "'identity:list_users': '!'\nowner: [\n").unwrap();
        wait(&mut files);
        assert!(may_list_users(&files), "the rules before stay in force");
        std::fs::write(&file, "'identity:list_users': '!'\n").unwrap();
        wait(&mut files);
        assert!(!may_list_users(&files));
        std::fs::write(&file, "'identity:list_users': '@'\n# again\n").unwrap();
        wait(&mut files);
        assert!(may_list_users(&files));
        let log = logged(|| {
            std::fs::remove_file(&file).unwrap();
            wait(&mut files);
        });
        assert!(!may_list_users(&files), "without a file the defaults hold");
        assert!(log.contains("WARN") && log.contains("is gone, and the defaults hold"), "{log}");
        assert!(!log.contains("in force"), "{log}");
    }

    #[test]
    fn a_file_whose_rights_change_is_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policy/identity.yaml");
        std::fs::create_dir(dir.path().join("policy")).unwrap();
        std::fs::write(&file, "'identity:list_users': '@'\n").unwrap();
        let before = stamp(&file);
        // File systems count time in steps.
        let noticed = (0..100_000).any(|_| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
            stamp(&file) != before
        });
        assert!(noticed, "it may be readable now");
    }

    /// What is logged meanwhile.
    fn logged(doing: impl FnOnce()) -> String {
        let log = Log::default();
        let kept = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || kept.clone()).finish();
        tracing::subscriber::with_default(subscriber, doing);
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
