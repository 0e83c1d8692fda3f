//! Rules of who may ask for what, through the real programs: each condition, before the cache, over every way in, and from every
//! layer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use entra_sim::{ADA, DEFAULT_CLIENT};
use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, Programs, Ran, finish, programs, raw, run, system};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A workstation on which somebody is signed in and has a token of Graph and one of Foundry in memory.
struct Ruled {
    env: Env,
    _daemon: Daemon,
}

impl Ruled {
    fn new() -> Self {
        let env = Env::new(programs!());
        let daemon = env.start_in_memory(&[]);
        env.sign_in();
        for resource in ["graph", "foundry"] {
            let _token = env.token(&["--for", resource]);
            assert_eq!(env.token(&["--for", resource])["source"], "cache");
        }
        Self { env, _daemon: daemon }
    }

    /// Writes the user's rules and waits until they are in force.
    fn rule(&self, rules: &str) {
        self.env.configure(&format!("policy = '''\n{rules}'''\n"));
        // A path without a space is told without its quotes.
        let wanted: Vec<String> = rules.lines().chain(BUILT_IN).map(|rule| rule.replace('"', "")).collect();
        let in_force = || -> Vec<String> {
            let answer = raw::get(&self.env.socket(), "/v1/policy").body;
            answer["rules"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["text"].as_str().unwrap().to_owned())
                .collect()
        };
        let _status = self.env.status_where(|_| in_force() == wanted);
    }

    fn ask(&self, request: &Value) -> raw::RawAnswer {
        raw::post(&self.env.socket(), "/v1/token", request)
    }

    fn status_of(&self, resource: &str) -> u16 {
        self.ask(&json!({ "resource": resource })).status
    }

    /// A copy of the client under another name, which asks for itself.
    fn tool(&self, name: &str) -> PathBuf {
        let tool = self.env.folder().join(name);
        system::copy_program(programs!().entra, &tool);
        tool
    }

    /// What a small program is answered, of which `words` is the command line so far.
    fn status_by(&self, words: &[&str], request: &Value) -> u16 {
        let (socket, body) = (self.env.socket(), request.to_string());
        let quietly = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--unix-socket"];
        let asked = [socket.to_str().unwrap(), "http://localhost/v1/token", "--json", &body];
        let args = [&words[1..], &quietly, &asked].concat();
        let ran = self.run(Path::new(words[0]), &args);
        ran.stdout.parse().unwrap_or_else(|_| panic!("{ran:?}"))
    }

    fn run(&self, program: &Path, args: &[&str]) -> Ran {
        let mut command = self.env.command(program);
        command.args(args);
        run(command)
    }
}

/// The client with the daemon's program beside it, as they are installed.
fn installed() -> (TempDir, Env) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let under_test = programs!();
    let place = |program: &Path, name: &str| {
        let linked = folder.path().join(name);
        fs::hard_link(program, &linked).unwrap();
        linked
    };
    let (entra, entrad) = (place(&under_test.entra, "entra"), place(&under_test.entrad, "entrad"));
    (folder, Env::new(Programs { entra, entrad }))
}

/// This test's own program, in quotes.
fn own_program() -> String {
    format!("\"{}\"", std::env::current_exe().unwrap().display())
}

/// The rules behind everybody's.
const BUILT_IN: [&str; 4] = [
    "deny agent resource=!foundry resource=!cognitive",
    "ask forwarded !lease resource=!foundry",
    "ask container !lease resource=!foundry",
    "allow",
];

const TOKEN: [&str; 3] = ["token", "--for", "graph"];

#[test]
fn what_is_shut_is_not_served_from_memory_and_the_log_names_the_rule() {
    let ruled = Ruled::new();
    ruled.rule("deny resource=graph\n");
    let refused = ruled.env.entra(&TOKEN);
    assert_eq!(refused.status, 4, "{refused:?}");
    for words in ["`deny resource=graph`", "config.toml:1, line 1", "`entra policy explain`"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(ruled.env.entra(&["token", "--for", "foundry"]).status, 0);
    let logged = ruled.env.entra(&["log", "--json"]);
    let entries: Vec<Value> = logged.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused = entries.iter().find(|entry| entry["event"] == "refused").unwrap();
    assert!(refused["rule"].as_str().unwrap().starts_with("`deny resource=graph` ("), "{refused}");
    assert!(
        entries.iter().all(|entry| entry["event"] != "issued" || entry["rule"].is_null()),
        "nobody's rule"
    );
    ruled.rule("allow resource=graph\ndeny\n");
    assert_eq!(ruled.env.entra(&TOKEN).status, 0, "a change holds at once");
    let logged = ruled.env.entra(&["log", "--json"]);
    let last: Value = serde_json::from_str(logged.stdout.lines().last().unwrap()).unwrap();
    assert!(last["rule"].as_str().unwrap().starts_with("`allow resource=graph` ("), "{last}");
}

/// A rule that lets this test in, one that is about something else, and what it asks for.
#[rstest]
#[case::account("account=*@EXAMPLE.com", "account=eve@example.com")]
#[case::domain("domain=example.com", "domain=contoso.example")]
#[case::profile("profile=default", "profile=work")]
#[case::resource("resource=graph", "resource=foundry")]
#[case::address("resource=https://graph.microsoft.com/", "resource=https://graph.microsoft.com.evil.example")]
#[case::scope("scope=https://graph.microsoft.com/*", "scope=https://ai.azure.com/*")]
#[case::no_lease("!lease", "lease")]
#[case::no_agent("!agent", "agent")]
#[case::from_here("!forwarded", "forwarded")]
#[case::no_container("!container", "container")]
fn each_condition_lets_in_whom_it_fits_and_nobody_else(#[case] fits: &str, #[case] does_not: &str) {
    let ruled = Ruled::new();
    ruled.rule(&format!("allow {fits}\ndeny\n"));
    assert_eq!(ruled.status_of("graph"), 200, "{fits}");
    ruled.rule(&format!("allow {does_not}\ndeny\n"));
    assert_eq!(ruled.status_of("graph"), 403, "{does_not}");
    ruled.rule(&format!("deny {does_not}\n"));
    assert_eq!(ruled.status_of("graph"), 200, "{does_not}");
    ruled.rule(&format!("deny {fits}\n"));
    assert_eq!(ruled.status_of("graph"), 403, "{fits}");
}

/// By another process, for the reason that a program is copied by one.
fn lengthen(program: &Path) {
    let lengthened = Command::new("sh").args(["-c", "printf x >>\"$0\""]).arg(program).status();
    assert!(lengthened.unwrap().success());
}

#[test]
fn a_program_is_known_by_its_path_and_by_its_hash() {
    let ruled = Ruled::new();
    let (tool, other) = (ruled.tool("tool"), ruled.tool("other"));
    lengthen(&other);
    ruled.rule(&format!("allow program={}\nallow program={}\ndeny\n", own_program(), tool.display()));
    assert_eq!(ruled.status_of("graph"), 200);
    // The client asks for who started it.
    let behind = ruled.env.entra(&TOKEN);
    assert_eq!(behind.status, 0, "{behind:?}");
    assert_eq!(ruled.run(&tool, &TOKEN).status, 0);
    assert_eq!(ruled.run(&other, &TOKEN).status, 4);
    // A small one, since files are read whole.
    let (tool, other) = (ruled.env.folder().join("small"), ruled.env.folder().join("another"));
    for copy in [&tool, &other] {
        system::copy_program("/usr/bin/curl", copy);
    }
    lengthen(&other);
    let mut command = Command::new("sha256sum");
    command.arg(&tool);
    let sum = run(command).stdout;
    ruled.rule(&format!("allow hash=sha256:{}\ndeny\n", sum.split(' ').next().unwrap()));
    let status =
        |program: &Path| ruled.status_by(&[program.to_str().unwrap()], &json!({"resource": "graph"}));
    assert_eq!((status(&tool), status(&other)), (200, 403));
}

#[test]
fn an_interpreter_is_known_by_its_script_or_its_parent_and_never_as_itself() {
    let ruled = Ruled::new();
    let entra = programs!().entra;
    let script = |name: &str| {
        let path = ruled.env.folder().join(name);
        fs::write(&path, format!("{} token --for graph\nexit $?\n", entra.display())).unwrap();
        path
    };
    let (good, other) = (script("good.sh"), script("other.sh"));
    let shell = |script: &Path| ruled.run(Path::new("/bin/bash"), &[script.to_str().unwrap()]).status;
    ruled.rule("allow program=/**\ndeny\n");
    assert_eq!(shell(&good), 4, "whatever a pattern says");
    ruled.rule(&format!("allow script={}\ndeny\n", good.display()));
    assert_eq!((shell(&good), shell(&other)), (0, 4));
    ruled.rule(&format!("allow program=/**/bash parent={}\ndeny\n", own_program()));
    assert_eq!(shell(&other), 0);
}

#[test]
fn who_is_from_elsewhere_is_told_apart() {
    let ruled = Ruled::new();
    ruled.rule("deny forwarded resource=graph\n");
    let (sshd, tool) = (ruled.tool("sshd"), ruled.tool("tool"));
    assert_eq!((ruled.run(&sshd, &TOKEN).status, ruled.run(&tool, &TOKEN).status), (4, 0));
    assert_eq!(ruled.run(&sshd, &["token", "--for", "foundry"]).status, 0);
    let asked = json!({"resource": "graph"});
    let contained =
        |way: &str| ruled.status_by(&["/usr/bin/unshare", way, "--fork", "/usr/bin/curl"], &asked);
    // The client finds its way there too, where the daemon has no number.
    let entra = programs!().entra;
    let words = ["--pid", "--fork", entra.to_str().unwrap(), "token", "--for", "foundry"];
    let ran = ruled.run(Path::new("/usr/bin/unshare"), &words);
    assert_eq!(ran.status, 0, "{ran:?}");
    for way in ["--pid", "--mount"] {
        ruled.rule("allow !container\ndeny\n");
        assert_eq!((contained(way), ruled.run(&tool, &TOKEN).status), (403, 0), "{way}");
        ruled.rule("allow container\ndeny\n");
        assert_eq!((contained(way), ruled.run(&tool, &TOKEN).status), (200, 4), "{way}");
    }
}

#[test]
fn who_is_from_elsewhere_has_foundry_until_somebody_says_more() {
    let ruled = Ruled::new();
    let sshd = ruled.tool("sshd");
    let ask = |args: &[&str]| ruled.run(&sshd, args);
    let refused = ask(&TOKEN);
    assert_eq!(refused.status, 4, "{refused:?}");
    for words in ["`ask forwarded !lease resource=!foundry` (built in)", "`allow forwarded resource=graph`"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(ask(&["token", "--for", "foundry"]).status, 0);
    // Somebody here lends more; who is from elsewhere lends itself no more than it has.
    let lent = Lease::make(&ruled.env.socket(), "lent", &["graph"]);
    // Under that name, a program that can present it.
    let server = ruled.env.folder().join("server/sshd");
    fs::create_dir(server.parent().unwrap()).unwrap();
    system::copy_program("/usr/bin/curl", &server);
    let status_with = |lease: Option<&str>| {
        ruled.status_by(&[server.to_str().unwrap()], &json!({"resource": "graph", "lease": lease}))
    };
    assert_eq!((status_with(None), status_with(Some(&lent.secret))), (403, 200));
    for terms in [&["--for", "foundry", "--for", "graph"][..], &["--all-resources"]] {
        let made = ask(&[&["lease", "make", "own"], terms].concat());
        assert!(made.status == 4 && made.stderr.contains("`ask forwarded"), "{made:?}");
    }
    assert_eq!(ask(&["lease", "make", "own", "--for", "foundry"]).status, 0);
    ruled.rule("allow forwarded resource=graph\n");
    assert_eq!(ask(&TOKEN).status, 0);
    assert_eq!(ask(&["lease", "make", "own", "--for", "graph"]).status, 0);
}

#[test]
fn over_loopback_a_caller_is_its_lease() {
    let ruled = Ruled::new();
    let (claude, other) = (
        Lease::make(&ruled.env.socket(), "claude", &["*"]),
        Lease::make(&ruled.env.socket(), "other", &["*"]),
    );
    let graph = "https://graph.microsoft.com";
    ruled.rule("allow lease=claude resource=graph\ndeny forwarded resource=graph\n");
    assert_eq!(claude.identity(graph).status, 200);
    let refused = other.identity(graph);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("`deny forwarded resource=graph`"), "{refused:?}");
    let azd = other.azd(&json!({"scopes": ["https://graph.microsoft.com/.default"]}));
    assert_eq!(azd.body["status"], "error", "{azd:?}");
    assert_eq!(other.identity("https://ai.azure.com").status, 200);
    // Over the socket the lease narrows, and the kernel says who asks.
    let lent = ruled.ask(&json!({"resource": "graph", "lease": other.secret}));
    assert_eq!(lent.status, 200, "{lent:?}");
}

#[test]
fn a_registry_s_token_passes_the_same_gate() {
    let ruled = Ruled::new();
    ruled.rule("deny resource=acr\n");
    let request = json!({"registry": "contoso.azurecr.io"});
    let refused = raw::post(&ruled.env.socket(), "/v1/registry-token", &request);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body["rule"].as_str().unwrap().contains("deny resource=acr"), "{refused:?}");
}

#[test]
fn what_a_person_would_be_asked_is_refused_with_the_way_out() {
    let ruled = Ruled::new();
    ruled.rule("ask resource=graph\n");
    let refused = ruled.env.entra(&TOKEN);
    assert_eq!(refused.status, 4, "{refused:?}");
    assert!(
        refused.stderr.contains("`ask resource=graph`") && refused.stderr.contains("`entra policy explain`")
    );
    // The rule that it proposes does what it says, before the one that asks.
    let at = refused.stderr.find("`allow program=").unwrap_or_else(|| panic!("{refused:?}"));
    let proposed = refused.stderr[at + 1..].split('`').next().unwrap().replace('\n', " ");
    ruled.rule(&format!("{proposed}\nask resource=graph\n"));
    assert_eq!(ruled.env.entra(&TOKEN).status, 0, "{proposed}");
}

#[test]
fn bad_rules_of_the_users_shut_all_that_nobody_else_decides_until_they_are_mended() {
    let ruled = Ruled::new();
    ruled.env.configure("policy = '''\nallow resource=graph\nalow resource=arm\n'''\n");
    let status = ruled.env.status_where(|status| status["warnings"].to_string().contains("did you mean"));
    let warnings = status["warnings"].to_string();
    assert!(
        warnings.contains("line 2, column 1") && warnings.contains("every request is refused"),
        "{warnings}"
    );
    let refused = ruled.env.entra(&TOKEN);
    assert!(refused.status == 4 && refused.stderr.contains("line 2, column 1"), "{refused:?}");
    let shown = ruled.env.entra(&["policy", "show"]);
    assert!(shown.stdout.contains("in place of rules that cannot be read"), "{shown:?}");
    // A fault elsewhere in a file with rules shuts as well; in one without it does not.
    ruled.env.configure("tenent = 'x'\npolicy = 'deny'\n");
    let _status = ruled.env.status_where(|status| status["warnings"].to_string().contains("tenent"));
    assert_eq!(ruled.status_of("graph"), 403);
    ruled.env.configure("tenent = 'x'\n");
    let _status = ruled.env.status_where(|_| ruled.status_of("graph") == 200);
    ruled.rule("allow resource=graph\n");
    assert_eq!(ruled.status_of("graph"), 200);
}

#[test]
fn a_rule_that_somebody_names_must_be_good() {
    let env = Env::new(programs!());
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--policy=deny progam=/x"]);
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("--policy: `policy` cannot be used: line 1, column 6"), "{ran:?}");
}

#[test]
fn rules_are_checked_with_every_fault_and_its_place() {
    let (_folder, env) = installed();
    let file = env.folder().join("rules.txt");
    let check = || env.entra(&["policy", "check", file.to_str().unwrap()]);
    fs::write(&file, "# mine\nalow resource=arm\ndeny resource=foundri\n").unwrap();
    let bad = check();
    assert_eq!(bad.status, 5, "{bad:?}");
    for words in
        ["rules.txt:2:1: `alow`", "did you mean `allow`?", "rules.txt:3:6:", "did you mean `foundry`?"]
    {
        assert!(bad.stderr.contains(words), "{bad:?}");
    }
    fs::write(&file, "allow program=/bin/bash\n").unwrap();
    let trusting = check();
    assert!(trusting.status == 5 && trusting.stderr.contains("add `script=` or `parent=`"), "{trusting:?}");
    fs::write(&file, "deny forwarded resource=graph\n").unwrap();
    assert_eq!(check().status, 0);
    fs::remove_file(&file).unwrap();
    let missing = check();
    assert!(missing.status == 5 && missing.stderr.contains("cannot be read"), "{missing:?}");
    env.configure("policy = 'deny forwarded'\n");
    let all = env.entra(&["policy", "check"]);
    assert!(all.status == 0 && all.stdout.contains("The rule is good."), "{all:?}");
    let shown = env.entra(&["policy", "show"]);
    assert!(shown.stdout.contains("deny forwarded") && shown.stderr.contains("No entrad runs"), "{shown:?}");
    env.configure("policy = 'deny forward'\n");
    assert_eq!(env.entra(&["policy", "check"]).status, 5);
    assert_eq!(env.entra(&["config", "check"]).status, 5);
}

#[test]
fn the_rule_that_decides_is_explained() {
    let ruled = Ruled::new();
    ruled.rule("allow program=/usr/bin/git resource=devops\ndeny forwarded resource=graph\nask agent\n");
    let explain = |args: &[&str]| {
        let ran = ruled.env.entra(&[&["policy", "explain"], args].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.stdout
    };
    let own = explain(&["--resource", "graph"]);
    assert!(own.starts_with("Allowed: rule 7 decides, `allow` (built in)."), "{own}");
    assert!(
        own.contains("`resource=devops` does not hold")
            || own.contains("`program=/usr/bin/git` does not hold")
    );
    assert!(
        own.contains(&std::env::current_exe().unwrap().display().to_string()),
        "it is who runs entra: {own}"
    );
    assert!(own.contains("ada@example.com"), "{own}");
    let forwarded = explain(&["--resource", "graph", "--forwarded"]);
    assert!(forwarded.starts_with("Refused: rule 2 decides"), "{forwarded}");
    let git = explain(&["--resource", "devops", "--program", "/usr/bin/git"]);
    assert!(git.starts_with("Allowed: rule 1 decides"), "{git}");
    let agent = explain(&["--resource", "arm", "--agent", "claude"]);
    assert!(agent.starts_with("Asked: rule 3 decides"), "{agent}");
    let loopback = explain(&["--resource", "graph", "--loopback", "--lease", "x"]);
    assert!(
        loopback.starts_with("Refused: rule 2 decides") && loopback.contains("is not known"),
        "{loopback}"
    );
    let bad = ruled.env.entra(&["policy", "explain", "--resource", "graf"]);
    assert_eq!(bad.status, 2, "{bad:?}");
}

/// Only root can be an administrator: for anybody else this fails, and says so.
#[test]
fn an_administrators_rules_stand_first_and_bad_ones_are_never_half_in_force() {
    let env = Env::new(programs!());
    let folder = env.folder().join("administrators");
    fs::create_dir_all(folder.join("managed.d")).unwrap();
    for folder in [folder.clone(), folder.join("managed.d")] {
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    assert_eq!(
        fs::metadata(&folder).unwrap().uid(),
        0,
        "only root can be an administrator: run this test as root"
    );
    let put = |name: &str, text: &str| {
        let (new, file) = (folder.join("managed.d/.new"), folder.join(name));
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, PermissionsExt::from_mode(0o644)).unwrap();
        fs::rename(new, file).unwrap();
    };
    let at_sim = format!("authority = '{}'\nclient_id = '{DEFAULT_CLIENT}'\n", env.sim().origin());
    put(
        "managed.d/10-it.toml",
        &format!("{at_sim}policy = '''\nallow resource=foundry\ndeny resource=graph\n'''\n"),
    );
    put("config.toml", "policy = 'deny resource=arm'\n");
    env.configure("policy = '''\nallow\n'''\n");
    let mut command = env.bare_daemon_command();
    command.env("ENTRA_TEST_ADMINISTRATORS", &folder).arg("--store=memory");
    let daemon = env.launch(command);
    let login = env.login(&[]);
    let code = env.sim().control().next_user_code_blocking().unwrap();
    env.sim().control().approve(&code, ADA).unwrap();
    assert_eq!(login.end().1.status, 0);
    let ask = |resource: &str| raw::post(&env.socket(), "/v1/token", &json!({ "resource": resource }));
    let rules = raw::get(&env.socket(), "/v1/policy").body;
    let layers: Vec<_> =
        rules["rules"].as_array().unwrap().iter().map(|rule| &rule["origin"]["layer"]).collect();
    assert_eq!(
        layers,
        ["managed", "managed", "machine", "user", "built_in", "built_in", "built_in", "built_in"]
    );
    let refused = ask("graph");
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body["message"].as_str().unwrap().contains("10-it.toml:3, line 2"), "{refused:?}");
    assert_eq!((ask("arm").status, ask("foundry").status, ask("devops").status), (403, 200, 200));
    // A bad user file shuts what no administrator decided, and no more.
    env.configure("policy = 'alow'\n");
    let _status = env.status_where(|_| ask("devops").status == 403);
    assert_eq!(ask("foundry").status, 200);
    env.configure("");
    let _status = env.status_where(|_| ask("devops").status == 200);
    // A bad managed rule leaves the former in force.
    put("managed.d/10-it.toml", &format!("{at_sim}policy = 'deny resource=foundry alow'\n"));
    let status = env.status_where(|status| status["warnings"].to_string().contains("stay as they were"));
    assert!(status["warnings"].to_string().contains("10-it.toml:3"), "{status:#}");
    assert_eq!((ask("graph").status, ask("foundry").status), (403, 200));
    assert_eq!(daemon.stop(), 0);
    let mut command = env.bare_daemon_command();
    command.env("ENTRA_TEST_ADMINISTRATORS", &folder).arg("--store=memory");
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(ran.status == 5 && ran.stderr.contains("There is no condition `alow`"), "{ran:?}");
}
