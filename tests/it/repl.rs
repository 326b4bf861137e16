//! The interactive session in a pseudo-terminal: what is typed and pasted, keys, history, Ctrl-C.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use certlet::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Verb};
use certlet::{Engine, Session};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

use crate::common::contoso;

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const UP: &str = "\u{1b}[A";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_R: &str = "\u{12}";
const PASTE: (&str, &str) = ("\u{1b}[200~", "\u{1b}[201~");

/// The program at a terminal of its own.
struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    child: Child,
    raw: Vec<u8>,
    /// All that was shown, without control sequences.
    seen: String,
    /// So much of it was waited for.
    taken: usize,
    _folder: TempDir,
}

impl Terminal {
    /// Starts it with these arguments, without colours unless they ask for them.
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = || File::options().read(true).write(true).open(&name).unwrap();
        // `setsid` makes the terminal the controlling one, so that Ctrl-C is a signal.
        let mut command = Command::new("setsid");
        command.arg("-c").arg(env!("CARGO_BIN_EXE_certlet")).args(arguments);
        command.env_clear().env("TERM", "xterm").env("PATH", "/usr/bin:/bin").current_dir(folder.path());
        command.stdin(Stdio::from(terminal())).stdout(Stdio::from(terminal())).stderr(Stdio::from(terminal()));
        if !arguments.contains(&"--color") {
            command.env("NO_COLOR", "1");
        }
        let child = command.spawn().unwrap();
        drop(command);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let (send, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The other end is closed when the program has ended.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, screen, child, raw: Vec::new(), seen: String::new(), taken: 0, _folder: folder }
    }

    fn at_home(home: &Path) -> Self {
        Self::start(&["--home", home.to_str().unwrap()])
    }

    fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text is shown; what stands up to its end is taken away and given back.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.rest().find(text) {
                let shown = self.rest()[..at + text.len()].to_owned();
                self.taken += shown.len();
                return shown;
            }
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.raw.extend(&bytes);
                    self.seen = plain(&String::from_utf8_lossy(&self.raw));
                }
                Err(RecvTimeoutError::Timeout) => panic!("`{text}` is not shown: {:?}", self.rest()),
                Err(RecvTimeoutError::Disconnected) => panic!("`{text}` is not shown, it has ended: {:?}", self.rest()),
            }
        }
    }

    /// Ctrl-C at the prompt, and the next prompt.
    #[track_caller]
    fn forget(&mut self, prompt: &str) {
        self.taken = self.seen.len();
        self.type_in(CTRL_C);
        // What is still drawn of the line before has no line end.
        self.wait_for("\n");
        self.wait_for(prompt);
        // It is still the prompt that stands there.
        self.taken -= prompt.len();
    }

    fn rest(&self) -> &str {
        &self.seen[self.taken..]
    }

    /// Types a line and waits for its outcome, which is no part of the line.
    #[track_caller]
    fn run(&mut self, line: &str, outcome: &str) -> String {
        assert!(!line.contains(outcome), "the line itself would be taken for `{outcome}`");
        self.type_in(&format!("{line}\r"));
        self.wait_for(outcome)
    }

    /// Waits for the prompt and ends the session by Ctrl-D.
    #[track_caller]
    fn leaves(mut self) {
        while !self.rest().ends_with("> ") {
            let bytes = self.screen.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no prompt: {:?}", self.rest()));
            self.raw.extend(&bytes);
            self.seen = plain(&String::from_utf8_lossy(&self.raw));
        }
        self.type_in(CTRL_D);
        assert_eq!(self.ends(), 0);
    }

    /// Waits for the end of the program.
    #[track_caller]
    fn ends(mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < end, "it does not end: {:?}", self.seen);
            // The terminal's buffer must not fill up.
            while self.screen.try_recv().is_ok() {}
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Most have ended; one whose test failed has not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a screen shows, without the sequences that move its cursor and colour it.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next() == Some('[') {
                    // It ends with a letter; one that is cut off shows nothing.
                    characters.by_ref().find(char::is_ascii_alphabetic);
                }
            }
            '\r' => {}
            c => shown.push(c),
        }
    }
    shown
}

/// The end of the prompt in the sample world.
const PROMPT: &str = "d> ";

#[test]
fn a_session_from_tab_to_ctrl_d() {
    let home = contoso();
    let mut terminal = Terminal::at_home(home.path());
    // Who works where, and that the sample's certificate ends soon.
    let shown = terminal.wait_for(PROMPT);
    assert!(shown.contains("@fe01.contoso.net !") && shown.contains("WARNING: "), "{shown}");

    // Completion: the rest of a verb, then of a value.
    terminal.type_in("get-webs\t");
    terminal.wait_for("Get-Website");
    terminal.type_in(" 'Lync Server Int\t");
    terminal.wait_for("Web Site'");
    terminal.type_in(" | % State\r");
    terminal.wait_for("Started");
    terminal.wait_for(PROMPT);
    // Several candidates are listed with what they take.
    terminal.type_in("Set-CsCertificate -T\t");
    let shown = terminal.wait_for("<CertType[]>");
    assert!(shown.contains("-Thumbprint"), "{shown}");

    // Ctrl-C forgets what was typed.
    terminal.forget(PROMPT);
    terminal.run("2000 + 22", "2022");

    // The arrow and the search bring entries back.
    terminal.wait_for(PROMPT);
    terminal.type_in(&format!("{UP}\r"));
    terminal.wait_for("2022\n");
    terminal.wait_for(PROMPT);
    terminal.type_in(&format!("{CTRL_R}webs"));
    terminal.wait_for("(reverse-i-search)`webs'");
    terminal.type_in("\r");
    terminal.wait_for("Started");

    // An entry of several lines.
    terminal.type_in("if true {\r");
    terminal.wait_for(">> ");
    terminal.type_in("\r");
    terminal.wait_for(">> ");
    terminal.type_in("Write-Output ('mul' +\r");
    terminal.wait_for(">> ");
    terminal.type_in("'ti')\r");
    terminal.wait_for(">> ");
    terminal.run("}", "multi\n");
    terminal.wait_for(PROMPT);
    terminal.type_in(&format!("{UP}\r"));
    terminal.wait_for("multi\n");

    // What was declared lasts.
    terminal.type_in("import \"certs\" as certs;\r");
    terminal.wait_for(PROMPT);
    terminal.run("certs::is_combined([\"Default\"])", "True\n");

    // An error ends its entry only.
    terminal.run("throw 'enough'", "[ScriptError]");
    terminal.run("3000 + 33", "3033");
    terminal.run("Get-History | % CommandLine", "certs::is_combined");

    terminal.leaves();
    let history = home.path().join("history");
    assert_eq!(fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&history).unwrap();
    assert!(kept.contains("2000 + 22") && kept.contains("Get-Website 'Lync Server Internal Web Site'"), "{kept}");

    // The next session begins with it; another one at the same time adds to it.
    let mut second = Terminal::at_home(home.path());
    let mut third = Terminal::at_home(home.path());
    second.wait_for(PROMPT);
    third.wait_for(PROMPT);
    second.run("4000 + 44", "4044");
    third.run("5000 + 55", "5055");
    second.run("6000 + 66", "6066");
    for mut terminal in [second, third] {
        terminal.type_in("exit\r");
        assert_eq!(terminal.ends(), 0);
    }
    let kept = fs::read_to_string(&history).unwrap();
    for line in ["2000 + 22", "4000 + 44", "5000 + 55", "6000 + 66"] {
        assert_eq!(kept.matches(line).count(), 1, "{line}: {kept}");
    }
    let mut fourth = Terminal::at_home(home.path());
    fourth.wait_for(PROMPT);
    fourth.type_in(&format!("{CTRL_R}5000"));
    fourth.wait_for("`5000'");
    fourth.type_in("\r");
    fourth.wait_for("5055");
    fourth.leaves();
}

#[test]
fn secrets_are_not_remembered() {
    let home = contoso();
    let mut terminal = Terminal::at_home(home.path());
    terminal.wait_for(PROMPT);
    terminal.run("40 + 2", "42\n");
    for line in [
        "Import-CsCertificate -Path none.pfx -Password hunter2",
        "Import-CsCertificate -Path none.pfx -Pasword hunter2",
        "Import-CsCertificate -Path none.pfx -Pass hunter2",
        "$password = ConvertTo-SecureString hunter2 -AsPlainText -Force; throw 'x'",
    ] {
        let shown = terminal.run(line, "[");
        terminal.wait_for(PROMPT);
        assert!(shown.contains("hunter2"), "it is shown while it is typed");
    }
    terminal.type_in(&format!("{UP}\r"));
    terminal.wait_for("42\n");
    terminal.run("(Get-History | Measure-Object).Count", "2\n");
    terminal.leaves();
    for entry in fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|w| w == b"hunter2"), "{}", path.display());
        }
    }
}

#[test]
fn a_pasted_procedure_runs_entry_by_entry() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("certlet> ");
    let paste = |terminal: &mut Terminal, text: &str| terminal.type_in(&format!("{}{text}{}", PASTE.0, PASTE.1));
    paste(
        &mut terminal,
        "\u{feff}$n = 1\r\n\r\n# a block with a blank line in it\r\nif ($n -eq 1) {\r\n\r\n    $n = $n + 40\r\n}\r\n\
         fn more(x) {\r\n  x + 1\r\n}\r\nWrite-Output \"n=$(more($n))\"\r\n",
    );
    // It waits for Enter.
    terminal.wait_for("Write-Output");
    terminal.type_in("\r");
    terminal.wait_for("n=42\n");
    // The first entry that fails ends the run; what follows it is put back and not run.
    paste(&mut terminal, "$n = 100\nthrow 'stop'\n$n = 200\n$n = 300");
    terminal.wait_for("$n = 300");
    terminal.type_in("\r");
    terminal.wait_for("[ScriptError]");
    terminal.wait_for("$n = 300");
    terminal.forget("certlet> ");
    terminal.run("Write-Output \"left $n\"", "left 100\n");
    // Put back, it runs once.
    paste(&mut terminal, "throw 'again'\n$n += 1\nWrite-Output \"after $n\"");
    terminal.type_in("\r");
    terminal.wait_for("[ScriptError]");
    terminal.wait_for("\"after $n\"");
    terminal.type_in("\r");
    terminal.wait_for("after 101\n");
    // One that goes on is asked for the rest.
    paste(&mut terminal, "1 + 1\nif true {\n");
    terminal.type_in("\r");
    terminal.wait_for("2\n");
    terminal.wait_for(">> ");
    terminal.run("'rest' + 'ing' }", "resting\n");
    // A terminal without bracketed paste types it all at once.
    terminal.type_in("1000 + 1\r\rif true {\r\r2000 + 2\r}\r3000 + 3\r");
    for sum in ["1001\n", "2002\n", "3003\n"] {
        terminal.wait_for(sum);
    }
    terminal.type_in("exit\r");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn ctrl_c_ends_the_running_command_and_not_the_session() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("certlet> ");
    for line in [
        "Write-Host ('be' + 'gun'); Start-Sleep 600",
        "Write-Host ('be' + 'gun'); while true { }",
        "Write-Host ('be' + 'gun'); 1..1000000000 | ForEach-Object { $_ } | Out-Null",
    ] {
        terminal.run(line, "begun\n");
        terminal.type_in(CTRL_C);
        terminal.wait_for("[Interrupted]");
        terminal.wait_for("certlet> ");
    }
    // A table is as wide as the screen.
    let widest = |shown: String| {
        let rows = shown.lines().filter(|line| !line.starts_with("WARNING"));
        rows.map(|line| line.trim_end().chars().count()).max().unwrap_or_default()
    };
    let table = "Get-Command Get-Help | ft *";
    terminal.type_in(&format!("{table}\r"));
    let wide = widest(terminal.wait_for("certlet> "));
    assert!((91..=160).contains(&wide), "{wide}");
    // A change of the window brings the old signals up: what was typed stays.
    terminal.type_in("700 +");
    terminal.wait_for("700 +");
    tcsetwinsize(&terminal.keyboard, Winsize { ws_row: 40, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    terminal.type_in(" 7\r");
    terminal.wait_for("707\n");
    terminal.wait_for("certlet> ");
    terminal.type_in(&format!("{table}\r"));
    let narrow = widest(terminal.wait_for("certlet> "));
    assert!((50..=90).contains(&narrow), "{narrow}");
    terminal.run("Write-Output still", "still\n");
    terminal.leaves();
}

#[test]
fn ctrl_c_ends_a_slow_test_command_and_the_change_is_put_back() {
    let home = contoso();
    let folder = home.path().canonicalize().unwrap();
    let shown = folder.display();
    let path = folder.join("certlet.toml");
    let before = fs::read_to_string(&path).unwrap();
    let site = "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"listener\"\n";
    assert!(before.contains(site), "{before}");
    let slow = format!(
        "name = \"Lync Server External Web Site\"\nid = 34578\nhost = \"files\"\nstate = \"Stopped\"\n\
         certificate = \"{shown}/site.pem\"\nkey = \"{shown}/site.key\"\n\
         test = [\"/bin/sh\", \"-c\", \"touch {shown}/testing; sleep 600\"]\nreload = [\"/bin/true\"]\n"
    );
    fs::write(&path, before.replacen(site, &slow, 1)).unwrap();
    let mut terminal = Terminal::at_home(&folder);
    terminal.wait_for(PROMPT);
    let request = "$new = Request-CsCertificate -New -Type WebServicesExternal -CA dc01.contoso.net\\contoso-DC01-CA \
                   -Template jcila -PrivateKeyExportable $true";
    terminal.run(request, PROMPT);
    terminal.run("$old = (Get-CsCertificate -Type WebServicesExternal).Thumbprint", PROMPT);
    terminal.type_in("Set-CsCertificate -Type WebServicesExternal -Thumbprint $new.Thumbprint\r");
    let end = Instant::now() + PATIENCE;
    while !folder.join("testing").exists() {
        while let Ok(bytes) = terminal.screen.try_recv() {
            terminal.raw.extend(&bytes);
        }
        assert!(Instant::now() < end, "{}", plain(&String::from_utf8_lossy(&terminal.raw)));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(folder.join("site.pem").exists());
    terminal.type_in(CTRL_C);
    terminal.wait_for("[Interrupted]");
    terminal.wait_for(PROMPT);
    assert!(!folder.join("site.pem").exists() && !folder.join("site.key").exists());
    terminal.run(
        "Write-Output \"as before: $((Get-CsCertificate -Type WebServicesExternal).Thumbprint -eq $old)\"",
        "before: True",
    );
    terminal.leaves();
}

#[test]
fn a_request_to_end_is_heard_at_the_prompt() {
    let mut terminal = Terminal::start(&["--sample"]);
    terminal.wait_for(PROMPT);
    terminal.type_in("half a li");
    terminal.wait_for("half a li");
    crate::common::signal(&terminal.child, "TERM");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn questions_are_answered_within_the_session() {
    let home = contoso();
    let mut terminal = Terminal::at_home(home.path());
    terminal.wait_for(PROMPT);
    terminal.run("$name = Read-Host ('W' + 'ho')", "Who");
    terminal.run("ken", PROMPT);
    terminal.run("Write-Output \"it is $($name.len())\"", "it is 3\n");
    let ask = "Get-CsCertificate | % Use | ForEach-Object { Remove-CsCertificate -Type $_ -Confirm }";
    terminal.run(ask, "(default is \"Y\"): ");
    terminal.run("?", "L - Skip");
    terminal.wait_for("(default is \"Y\"): ");
    terminal.type_in(CTRL_C);
    terminal.wait_for("[Interrupted]");
    terminal.wait_for(PROMPT);
    terminal.run("Remove-CsCertificate -Type Default -Confirm", "(default is \"Y\"): ");
    terminal.type_in("N\r");
    terminal.wait_for(PROMPT);
    terminal.run("Write-Output \"still $((Get-CsCertificate).Count)\"", "still 3\n");
    // What was answered is no entry.
    assert!(!fs::read_to_string(home.path().join("history")).unwrap().lines().any(|line| line == "ken"));
    terminal.leaves();
}

#[test]
fn colours_and_hints_are_those_of_the_engine() {
    let mut terminal = Terminal::start(&["--color", "always"]);
    terminal.wait_for("certlet> ");
    terminal.type_in("get-cscert");
    // The rest of the verb stands behind the cursor, and the right arrow takes it.
    terminal.wait_for("get-cscertificate");
    terminal.type_in("\u{1b}[C | out-nul");
    terminal.wait_for("out-null");
    let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(raw.contains("\u{1b}[90m") && raw.contains("\u{1b}[93mget-cscertificate\u{1b}[0m"), "{raw:?}");
    terminal.forget("certlet> ");
    terminal.type_in("Get-Foo -x");
    terminal.wait_for("-x");
    let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(raw.contains("\u{1b}[91mGet-Foo"), "{raw:?}");
    terminal.forget("certlet> ");
    terminal.leaves();
}

#[test]
fn the_sample_world_says_that_it_is_one() {
    let mut terminal = Terminal::start(&["--sample"]);
    let shown = terminal.wait_for(PROMPT);
    assert!(shown.contains("[sample] certlet contoso\\kenmyer@fe01.contoso.net"), "{shown}");
    terminal.type_in("quit\r");
    assert_eq!(terminal.ends(), 0);
}

static NAME: Param<String> = Param::named("Name", "Whom to greet").at(0).mandatory();
static GREETING: Spec = Spec {
    name: "Write-Greeting",
    twin: None,
    aliases: &["greet"],
    functions: &[],
    synopsis: "Greet somebody",
    description: "Says hello.",
    sets: &[],
    parameters: &[&NAME.spec],
    input: Input::None,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example { line: "Write-Greeting Ken", says: "Greets Ken", expect: Expect::Emits(1) }],
    related: &["Get-Help"],
};

fn greet(cx: &mut Invocation<'_>, args: &Args) -> certlet::Result<()> {
    let name = args.need(&NAME, cx)?;
    cx.emit(format!("Hello, {name}"))
}

#[test]
fn a_new_verb_needs_its_declaration_alone() {
    let plain = Engine::new(Session::builder().build());
    let registry = plain.registry().with(Verb::new(&GREETING, greet));
    let engine = Engine::builder(Session::builder().build()).registry(registry).build();
    let shown = |line: &str| {
        let outcome = engine.eval(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        outcome.objects.iter().map(|o| o.display(&certlet::model::Zone::utc())).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shown("write-greeting Ken"), "Hello, Ken");
    assert_eq!(shown("write_greeting(\"Ken\")"), "Hello, Ken");
    assert!(shown("Get-Help Write-Greeting").contains("Greet somebody"));
    assert!(shown("(Get-Help).Text").contains("Write-Greeting"));
    assert_eq!(shown("(Get-Command -Noun Greeting).Synopsis"), "Greet somebody");
    let offered = |text: &str| -> Vec<(String, String)> {
        let found = engine.complete(text, text.len()).candidates;
        found.into_iter().map(|c| (c.text, c.description)).collect()
    };
    assert_eq!(offered("write-gr"), [("Write-Greeting".to_owned(), "Greet somebody".to_owned())]);
    assert_eq!(offered("Write-Greeting -na"), [("-Name".to_owned(), "<String> Whom to greet".to_owned())]);
    assert_eq!(offered("Get-Help write-gr")[0].0, "Write-Greeting");
    assert!(plain.complete("write-gr", 8).candidates.is_empty());
}
