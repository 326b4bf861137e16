//! Children of certlet: the test and reload commands of server programs, run without a shell and within a time limit.
//!
//! A test may be cut short, for it changes nothing; a reload never is, on the way there or back: its time limit bounds it.

use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How children are run.
#[derive(Clone)]
pub struct Children {
    limit: Duration,
    cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The end of a child's output that is kept for the error.
const TAIL: u64 = 2000;
/// How long a child is left alone at first, and at most: most are done in a few milliseconds.
const SLICES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

impl Children {
    /// Takes the time that a child may run, and whether the run is to end.
    pub fn new(limit: Duration, cancelled: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        Self { limit, cancelled }
    }

    /// Whether the run is to end.
    pub(super) fn is_cancelled(&self) -> bool {
        (self.cancelled)()
    }

    /// Runs a program with its arguments to its end; `Err` says in words why it did not succeed, with the end of its output.
    ///
    /// The environment is empty but for a plain `PATH` and `LC_ALL=C`, standard input is empty, the folder is `/`. The
    /// child has a process group of its own, so that Ctrl-C at the terminal does not cut a reload short.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<(), String> {
        self.start(arguments, &|| false)
    }

    /// As [`Children::run`], but ends the program as soon as the run is to end.
    pub(super) fn run_unless_cancelled(&self, arguments: &[String]) -> Result<(), String> {
        self.start(arguments, &*self.cancelled)
    }

    fn start(&self, arguments: &[String], cancelled: &dyn Fn() -> bool) -> Result<(), String> {
        let Some((program, rest)) = arguments.split_first() else { return Ok(()) };
        // A file and not a pipe: a program that goes on in the background would hold the pipe open.
        let output = tempfile::tempfile().map_err(|e| format!("no file for its output: {e}"))?;
        let handle = || output.try_clone().map_err(|e| format!("no file for its output: {e}"));
        let mut command = Command::new(program);
        command
            .args(rest)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(handle()?)
            .stderr(handle()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| format!("`{program}` cannot be run: {e}"))?;
        let end = self.wait(&mut child, cancelled);
        let said = tail(output);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        match end {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`{}` ended with {status}{said}", arguments.join(" "))),
            Err(why) => Err(format!("`{}` {why}{said}", arguments.join(" "))),
        }
    }

    fn wait(&self, child: &mut Child, cancelled: &dyn Fn() -> bool) -> Result<ExitStatus, String> {
        let start = Instant::now();
        let [mut slice, longest] = SLICES;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => return Err(format!("cannot be waited for: {error}")),
            }
            let why = if cancelled() {
                "was interrupted".to_owned()
            } else if start.elapsed() >= self.limit {
                format!("was ended after {} s", self.limit.as_secs_f32())
            } else {
                thread::sleep(slice.min(self.limit));
                slice = (slice * 2).min(longest);
                continue;
            };
            let _ = child.kill();
            let _ = child.wait();
            return Err(why);
        }
    }
}

fn tail(mut output: std::fs::File) -> String {
    let length = output.metadata().map_or(0, |m| m.len());
    let mut bytes = Vec::new();
    if output.seek(SeekFrom::Start(length.saturating_sub(TAIL))).is_ok() {
        let _ = output.take(TAIL).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limit: Duration, words: &[&str]) -> Result<(), String> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        Children::new(limit, Arc::new(|| false)).run(&words)
    }

    #[test]
    fn failures_bring_the_last_words() {
        let limit = Duration::from_secs(20);
        assert_eq!(run(limit, &["true"]), Ok(()));
        assert_eq!(run(limit, &[]), Ok(()));
        let error = run(limit, &["sh", "-c", "echo out; echo err >&2; exit 3"]).unwrap_err();
        assert!(error.contains("exit status: 3") && error.contains("out\nerr"), "{error}");
        assert!(run(limit, &["/no/such/program"]).unwrap_err().contains("cannot be run"));
        let long = run(limit, &["sh", "-c", "yes word | head -c 100000; echo; echo last; exit 1"]).unwrap_err();
        assert!(long.ends_with("last") && long.len() < 2200);
    }

    #[test]
    fn nothing_is_inherited() {
        let limit = Duration::from_secs(20);
        let error = run(limit, &["sh", "-c", "env; pwd; read line && echo input; exit 1"]).unwrap_err();
        assert!(!error.contains("HOME=") && !error.contains("CARGO") && !error.contains("\ninput"), "{error}");
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let start = Instant::now();
        let error = run(Duration::from_millis(100), &["sleep", "30"]).unwrap_err();
        assert!(error.contains("was ended after 0.1 s"), "{error}");
        let cancelled = Children::new(Duration::from_secs(30), Arc::new(|| true));
        let words = ["sleep".to_owned(), "30".to_owned()];
        assert!(cancelled.run_unless_cancelled(&words).unwrap_err().contains("interrupted"));
        // What must not be cut short is bounded by the time limit alone.
        let reload = Children::new(Duration::from_millis(100), Arc::new(|| true));
        assert_eq!(reload.run(&["true".to_owned()]), Ok(()));
        assert!(reload.run(&words).unwrap_err().contains("was ended after 0.1 s"));
        // What goes on in the background does not hold us.
        assert_eq!(run(Duration::from_secs(20), &["sh", "-c", "sleep 5 & exit 0"]), Ok(()));
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}
