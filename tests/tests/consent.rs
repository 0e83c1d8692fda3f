//! A person's word, through the real programs: a rule asks, somebody answers, and what they said holds for as long as they said.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use entra_tests::{Daemon, Env, Ran, finish, programs, raw, run, system};
use serde_json::{Value, json};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

/// A workstation on which somebody is signed in, and a small program that a rule asks about.
struct Asked {
    env: Env,
    daemon: Option<Daemon>,
    tool: PathBuf,
}

impl Asked {
    fn new(settings: &str) -> Self {
        let env = Env::new(programs!());
        let tool = env.folder().join("tool");
        system::copy_program("/usr/bin/curl", &tool);
        let rules = format!("ask program=\"{}\"\nask script=/**/asker.sh\n", tool.display());
        env.configure(&format!("{settings}\npolicy = '''\n{rules}'''\n"));
        let daemon = Some(env.start());
        env.sign_in();
        Self { env, daemon, tool }
    }

    fn restart(&mut self) {
        assert_eq!(self.daemon.take().unwrap().stop(), 0);
        self.daemon = Some(self.env.start());
    }

    /// The tool, which asks for a token of Graph.
    fn begin(&self) -> Child {
        let body = json!({"resource": "graph"}).to_string();
        let mut command = self.env.command(&self.tool);
        command.args(["--silent", "--write-out", "\n%{http_code}", "--unix-socket"]).arg(self.env.socket());
        command.args(["http://localhost/v1/token", "--json", &body]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What it is answered: the status, and the body.
    fn told(child: Child) -> (u16, Value) {
        let ran = finish(child);
        let (body, status) = ran.stdout.rsplit_once('\n').unwrap_or_else(|| panic!("{ran:?}"));
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    fn ask(&self) -> (u16, Value) {
        Self::told(self.begin())
    }

    fn list(&self) -> Value {
        let answer = raw::get(&self.env.socket(), "/v1/consents");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The question that somebody waits for now.
    fn question(&self) -> Value {
        let begun = Instant::now();
        loop {
            let list = self.list();
            let open = |question: &&Value| question["state"] == "asked" && question["waiting"] == 1;
            if let Some(question) = list["questions"].as_array().unwrap().iter().find(open) {
                return question.clone();
            }
            assert!(begun.elapsed() < LONG, "nothing is asked: {list:#}\n{}", self.env.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks, and has a person answer so.
    fn ask_and_say(&self, answer: &[&str]) -> (u16, Value) {
        let child = self.begin();
        let question = self.question();
        let ran = self.say(&question, answer);
        assert_eq!(ran.status, 0, "{ran:?}");
        Self::told(child)
    }

    fn say(&self, question: &Value, answer: &[&str]) -> Ran {
        let words = ["consent", answer[0], question["id"].as_str().unwrap()];
        self.env.entra(&[&words[..], &answer[1..]].concat())
    }

    /// Somebody who could answer: they hear of each question.
    fn follow(&self) -> Receiver<Value> {
        let mut stream = raw::connect(&self.env.socket());
        stream.write_all(&raw::request("GET", "/v1/prompts/events?consents=true", &[], "")).unwrap();
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        // The head is there once they are counted.
        assert!(lines.next().unwrap().contains("200"));
        let (tell, hear) = channel();
        thread::spawn(move || {
            let events = lines.filter_map(|line| serde_json::from_str(&line).ok());
            for event in events.filter(|event: &Value| event.is_object()) {
                if tell.send(event).is_err() {
                    return;
                }
            }
        });
        hear
    }

    /// The script, which asks for a token and then answers itself; its output.
    fn script(&self, text: &str) -> Ran {
        let script = self.env.folder().join("asker.sh");
        fs::write(&script, text.replace("entra", programs!().entra.to_str().unwrap())).unwrap();
        let mut command = self.env.command(Path::new("/bin/bash"));
        command.arg(script);
        run(command)
    }
}

fn sentence(answer: &(u16, Value)) -> String {
    format!("{} {}", answer.1["message"], answer.1["hint"])
}

#[test]
fn once_is_once_and_a_session_ends_with_the_daemon() {
    let mut asked = Asked::new("");
    let heard = asked.follow();
    assert_eq!(asked.ask_and_say(&["allow"]).0, 200);
    let event = heard.recv_timeout(LONG).unwrap();
    assert_eq!(event["event"], "asked");
    let question = &event["question"];
    let who = question["who"].as_str().unwrap();
    assert!(who.starts_with(asked.tool.to_str().unwrap()) && who.contains("(process "), "{question}");
    let ourselves = std::env::current_exe().unwrap();
    assert_eq!(question["parents"][0].as_str(), ourselves.to_str(), "what started the tool");
    assert_eq!(question["wanted"], "Microsoft Graph");
    assert!(question["rule"].as_str().unwrap().starts_with("`ask program="), "{question}");
    let event = heard.recv_timeout(LONG).unwrap();
    assert_eq!((&event["event"], &event["answer"]), (&json!("answered"), &json!("once")), "{event}");
    // Asked again, and now for longer.
    assert_eq!(asked.ask_and_say(&["allow", "--session"]).0, 200);
    assert_eq!((asked.ask().0, asked.ask().0), (200, 200));
    assert_eq!(asked.list()["decisions"][0]["answer"], "session");
    drop(heard);
    asked.restart();
    let refused = asked.ask();
    assert!(refused.0 == 403 && sentence(&refused).contains("nobody can be asked"), "{refused:?}");
}

#[test]
fn a_session_ends_with_a_lock_and_with_a_sign_out() {
    for end in [&["lock"][..], &["logout", "--all"]] {
        let asked = Asked::new("");
        let heard = asked.follow();
        assert_eq!(asked.ask_and_say(&["allow", "--session"]).0, 200);
        drop(heard);
        assert_eq!(asked.env.entra(end).status, 0);
        if end[0] == "lock" {
            let locked = asked.env.entra(&["consent", "list"]);
            assert!(locked.status != 0 && locked.stderr.contains("`entra unlock`"), "{locked:?}");
            let passphrase = fs::read_to_string(asked.env.folder().join("passphrase")).unwrap();
            let body = json!({"passphrase": passphrase.trim_end()});
            let unlocked = raw::post(&asked.env.socket(), "/v1/unlock", &body);
            assert_eq!(unlocked.status, 200, "{unlocked:?}");
        } else {
            asked.env.sign_in();
        }
        assert_eq!(asked.list()["decisions"], json!([]), "{end:?}");
    }
}

#[test]
fn always_outlives_a_restart_and_not_another_file_nor_its_end() {
    let mut asked = Asked::new("");
    let heard = asked.follow();
    assert_eq!(asked.ask_and_say(&["allow", "--always"]).0, 200);
    drop(heard);
    asked.restart();
    assert_eq!(asked.ask().0, 200);
    let listed = asked.env.entra(&["consent", "list"]);
    assert!(listed.stdout.contains("always: ") && listed.stdout.contains("/tool for "), "{listed:?}");
    // Nothing of it can be read beside the sealed file.
    for (path, bytes) in asked.env.files() {
        let has = bytes.windows(12).any(|window| window == b"\"is_allowed\"");
        assert!(!has, "{}", path.display());
    }
    let held = fs::read(&asked.tool).unwrap();
    let replaced = asked.env.folder().join("replaced");
    fs::write(&replaced, [&held[..], b"x"].concat()).unwrap();
    fs::set_permissions(&replaced, fs::metadata(&asked.tool).unwrap().permissions()).unwrap();
    let kept = asked.env.folder().join("kept");
    fs::rename(&asked.tool, &kept).unwrap();
    fs::rename(&replaced, &asked.tool).unwrap();
    assert_eq!(asked.ask().0, 403, "another program under its name");
    fs::rename(&kept, &asked.tool).unwrap();
    assert_eq!(asked.ask().0, 200);
    let id = asked.list()["decisions"][0]["id"].as_str().unwrap().to_owned();
    let revoked = asked.env.entra(&["consent", "revoke", &id, "--json"]);
    let left: Value = serde_json::from_str(&revoked.stdout).unwrap();
    assert_eq!(left["decisions"], json!([]), "{revoked:?}");
    assert_eq!(asked.ask().0, 403);
    asked.restart();
    assert_eq!(asked.ask().0, 403);
    assert_eq!(asked.env.entra(&["consent", "revoke", &id]).status, 2);
}

#[test]
fn an_administrator_can_have_nothing_allowed_for_good() {
    let asked = Asked::new("consent_remember = false");
    let heard = asked.follow();
    let child = asked.begin();
    let question = asked.question();
    assert_eq!(question["answers"], json!(["once", "session", "deny", "never"]));
    let refused = asked.say(&question, &["allow", "--always"]);
    assert!(refused.status == 2 && refused.stderr.contains("`consent_remember`"), "{refused:?}");
    assert_eq!(asked.say(&question, &["deny"]).status, 0);
    let told = Asked::told(child);
    assert!(told.0 == 403 && sentence(&told).contains("they said no"), "{told:?}");
    // Nobody is asked again for a while, and can change their mind.
    let again = asked.ask();
    assert!(again.0 == 403 && again.1["retry_after"].as_u64().unwrap() > 200, "{again:?}");
    assert_eq!(asked.say(&question, &["allow"]).status, 0);
    assert_eq!((asked.ask().0, heard.try_iter().count()), (200, 2));
}

#[test]
fn never_is_kept_and_the_audit_log_has_it_all() {
    let mut asked = Asked::new("");
    let heard = asked.follow();
    let told = asked.ask_and_say(&["deny", "--never"]);
    assert!(told.0 == 403 && sentence(&told).contains("they said never"), "{told:?}");
    drop(heard);
    asked.restart();
    assert_eq!(asked.ask().0, 403);
    let id = asked.list()["decisions"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(asked.env.entra(&["consent", "revoke", &id]).status, 0);
    let logged = asked.env.entra(&["log", "--json"]).stdout;
    let entries: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| entries.iter().find(|entry| entry["event"] == event).unwrap().clone();
    let (question, answer) = (of("consent_asked"), of("consent_answered"));
    assert_eq!(question["caller"]["program"], asked.tool.to_str().unwrap());
    assert!(question["rule"].as_str().unwrap().starts_with("`ask program="), "{question}");
    assert!(answer["detail"].as_str().unwrap().ends_with("for Microsoft Graph: `never`."), "{answer}");
    assert!(of("consent_revoked")["detail"].as_str().unwrap().contains(&id));
}

#[test]
fn nobody_who_answers_is_no_yes() {
    let asked = Asked::new("consent_timeout = \"5s\"");
    let heard = asked.follow();
    let told = asked.ask();
    assert!(told.0 == 403 && sentence(&told).contains("nobody answered"), "{told:?}");
    assert_eq!(heard.recv_timeout(LONG).unwrap()["event"], "asked");
    let over = heard.recv_timeout(LONG).unwrap();
    assert!(over["event"] == "answered" && over["answer"].is_null(), "{over}");
    assert!(sentence(&asked.ask()).contains("nobody answered"), "and nobody is asked again");
}

#[test]
fn without_a_way_to_ask_it_is_refused_at_once_with_the_rule_that_grants_it() {
    let asked = Asked::new("");
    let refused = asked.ask();
    assert_eq!(refused.0, 403);
    let grants = format!("`allow program=\"{}\" resource=graph`", asked.tool.display());
    let said = refused.1["hint"].as_str().unwrap().to_owned();
    assert!(sentence(&refused).contains("nobody can be asked") && said.contains(&grants), "{refused:?}");
    // A loop fills no log: that it was refused is there.
    let log = || asked.env.entra(&["log", "--json"]).stdout;
    assert!(asked.ask().0 == 403 && !log().contains("consent_asked") && log().contains("\"refused\""));
    // Who reads that can answer, and it is asked again.
    let question = asked.list()["questions"][0].clone();
    assert!(said.contains(&format!("entra consent allow {}", question["id"].as_str().unwrap())), "{said}");
    let ran = asked.say(&question, &["allow"]);
    assert!(ran.status == 0 && ran.stdout.contains("whoever asked has gone"), "{ran:?}");
    assert!(log().contains("consent_asked") && log().contains("consent_answered"));
    assert_eq!((asked.ask().0, asked.ask().0), (200, 403));
}

#[test]
fn a_persons_word_is_not_taken_from_everybody() {
    let asked = Asked::new("");
    assert_eq!(asked.ask().0, 403);
    let question = asked.list()["questions"][0].clone();
    let id = question["id"].as_str().unwrap();
    // Who speaks for another machine.
    let sshd = asked.env.folder().join("sshd");
    system::copy_program(programs!().entra, &sshd);
    for words in [&["consent", "allow", id][..], &["consent", "list"]] {
        let mut command = asked.env.command(&sshd);
        command.args(words);
        let ran = run(command);
        assert!(ran.status == 4 && ran.stderr.contains("another machine or container"), "{ran:?}");
    }
    // An AI agent, by its name and by its own word, and what it starts.
    let claude = asked.env.folder().join("claude");
    std::os::unix::fs::symlink("/bin/sh", &claude).unwrap();
    let mut by_name = asked.env.command(&claude);
    by_name.args(["-c", &format!("{} consent allow {id}; exit $?", programs!().entra.display())]);
    let mut by_word = asked.env.entra_command(&["consent", "allow", id]);
    by_word.env("CLAUDECODE", "1");
    for command in [by_name, by_word] {
        let ran = run(command);
        assert!(ran.status == 4 && ran.stderr.contains("an AI agent"), "{ran:?}");
    }
    // Who was lent a right.
    let entra = programs!().entra;
    let entra = entra.to_str().unwrap();
    let lent = asked.env.entra(&["run", "--for", "foundry", "--", entra, "consent", "allow", id]);
    assert!(lent.status == 4 && lent.stderr.contains("runs on a lease"), "{lent:?}");
    let shell = format!("{entra} consent allow {id}; exit $?");
    let lent = asked.env.entra(&["run", "--for", "foundry", "--", "/bin/sh", "-c", &shell]);
    assert!(lent.status == 4 && lent.stderr.contains("runs on a lease"), "{lent:?}");
    // Who asks, and what it starts.
    let itself = asked.script(
        "entra token --for graph 2> \"$0.said\"\n\
         id=$(grep --only-matching 'consent allow [0-9a-f]*' \"$0.said\" | head --lines=1 | cut --delimiter=' ' --fields=3)\n\
         entra consent allow \"$id\" || exit $?\n",
    );
    assert!(itself.status == 4 && itself.stderr.contains("the one that asks"), "{itself:?}");
    // And somebody who may.
    assert_eq!(asked.say(&question, &["allow"]).status, 0);
    assert_eq!(asked.ask().0, 200);
}

#[test]
fn a_lease_is_not_asked_about() {
    let asked = Asked::new("");
    let heard = asked.follow();
    let sshd = asked.env.folder().join("sshd");
    system::copy_program(programs!().entra, &sshd);
    let mut command = asked.env.command(&sshd);
    command.args(["lease", "make", "own", "--for", "graph"]);
    let refused = run(command);
    assert!(refused.status == 4 && refused.stderr.contains("`ask forwarded"), "{refused:?}");
    assert_eq!((asked.list()["questions"].clone(), heard.try_iter().count()), (json!([]), 0));
}
