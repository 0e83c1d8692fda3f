//! What the demo shows, step by step, each with the command that a person would type.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo is there to be read")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{Leg, Options};
use serde_json::Value;

use crate::stage::Stage;
use crate::system::{ENDPOINT, PROMPT, RESTART, START};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A token is served while more than five minutes of its life remain, so one of 304 seconds is due again
/// four seconds later: an hour of a workstation's day in a few seconds.
const TOKEN_LIFE: Duration = Duration::from_secs(304);
const UNTIL_DUE: Duration = Duration::from_millis(4_500);

/// How long the code stands before the demo's person approves it: long enough to be read.
const READING: Duration = Duration::from_secs(4);

const STEP_LIMIT: Duration = Duration::from_secs(60);

/// Tells the story; the exit status says whether it came out well.
pub(crate) fn tell() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The demo stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> Outcome<()> {
    let mut options = Options::default();
    options.rules.access_token_life = Some(TOKEN_LIFE);
    options.rules.interval = Duration::from_secs(1);
    let stage = Stage::set(options)?;
    let mut table = Vec::new();
    println!(
        "entrad, shown on a throw-away home. Microsoft Entra ID is played by entra-sim on {}.",
        stage.sim.origin()
    );

    step(1, "Start the daemon. On a workstation the service manager does this.", START);
    let started = Instant::now();
    let daemon = start_daemon(&stage)?;
    table.push(("daemon ready", format!("in {}", time(started))));

    step(
        2,
        "Sign in once. Here the demo plays the person at the browser and approves the code.",
        "entra login",
    );
    sign_in(&stage)?;
    table.push(("signed in by device code", "once".to_owned()));

    step(3, "A tool asks for a token. The first time Entra is asked.", "entra token --for foundry");
    let (first, took) = token(&stage, &[])?;
    expect(&first, "refresh")?;
    table.push(("first token of a resource", format!("{took}, from Entra")));

    step(4, "Another tool asks. Now it comes from memory.", "entra token --for foundry");
    let (second, took) = token(&stage, &[])?;
    expect(&second, "cache")?;
    table.push(("the same token again", format!("{took} for the whole process, from memory")));

    step(
        5,
        "The token nears its end. Nobody signs in; the next tool just gets a new one.",
        "entra token --for foundry",
    );
    thread::sleep(UNTIL_DUE);
    let (third, took) = token(&stage, &[])?;
    expect(&third, "refresh")?;
    if third["access_token"] == second["access_token"] {
        return Err("the token was not renewed".into());
    }
    table.push(("silent refresh", format!("{took}, from Entra")));

    step(6, "Stop the daemon and start it again, as after a reboot.", RESTART);
    stage.stop(daemon)?;
    let started = Instant::now();
    let daemon = start_daemon(&stage)?;
    let ready = time(started);
    say_command("entra accounts");
    show(&stage, &["accounts"])?;
    let (fourth, _) = token(&stage, &[])?;
    expect(&fourth, "refresh")?;
    table.push((
        "after a restart",
        format!("still signed in; ready in {ready}, most of it stretching the passphrase"),
    ));

    step(7, "Look at what it holds and what it will do next.", "entra status");
    show(&stage, &["status"])?;
    stage.stop(daemon)?;

    let control = stage.sim.control();
    let count = |leg| control.requests_on(leg).len();
    table.push((
        "requests that Entra saw",
        format!(
            "{} for the sign-in, {} refreshes",
            count(Leg::Devicecode) + count(Leg::Poll),
            count(Leg::Refresh)
        ),
    ));
    let sealed = control.requests_on(Leg::Refresh).len() == 3;
    if !sealed {
        return Err("Entra saw another number of refreshes than the three of the story".into());
    }
    stage.strike()?;
    println!("\nWhat happened");
    for (what, result) in table {
        println!("  {what:<26} {result}");
    }
    println!("\nThe folder, the {ENDPOINT} and both processes are gone. For the real thing: README.md.");
    Ok(())
}

fn step(number: u32, sentence: &str, command: &str) {
    println!("\n── {number}. {sentence}");
    say_command(command);
}

fn say_command(command: &str) {
    println!("{PROMPT} {command}");
}

fn time(since: Instant) -> String {
    let millis = since.elapsed().as_secs_f64() * 1000.0;
    if millis < 100.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}

fn start_daemon(stage: &Stage) -> Outcome<Child> {
    let mut command = stage.command("entrad", &[]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = stage.start(command)?;
    let stdout = child.stdout.take().ok_or("the daemon has no output")?;
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        let line = BufReader::new(stdout).lines().next();
        // Nobody listens any more if the demo gave up.
        let _gave_up = said.send(line);
    });
    match heard.recv_timeout(STEP_LIMIT)? {
        Some(Ok(line)) if line.starts_with("ready") => println!("{line}"),
        _ => return Err("the daemon did not get ready".into()),
    }
    Ok(child)
}

fn sign_in(stage: &Stage) -> Outcome<()> {
    let mut child = stage.start(stage.command("entra", &["login"]))?;
    let code = stage.sim.control().next_user_code_blocking()?;
    let control = stage.sim.control().clone();
    let person = thread::spawn(move || {
        thread::sleep(READING);
        control.approve(&code, "ada@example.com")
    });
    let status = child.wait()?;
    stage.ended(child.id());
    person.join().map_err(|_| "the demo's person failed")??;
    if status.success() { Ok(()) } else { Err(format!("entra login ended with {status}").into()) }
}

/// A token as JSON, and the time of the whole process.
fn token(stage: &Stage, more: &[&str]) -> Outcome<(Value, String)> {
    let args = [&["token", "--for", "foundry", "--output", "json"], more].concat();
    let started = Instant::now();
    let output = stage.command("entra", &args).output()?;
    let took = time(started);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let text = answer["access_token"].as_str().unwrap_or_default();
    println!(
        "{}… ({} characters, {} from {})",
        &text[..text.len().min(24)],
        text.len(),
        took,
        answer["source"].as_str().unwrap_or("?")
    );
    Ok((answer, took))
}

fn expect(answer: &Value, source: &str) -> Outcome<()> {
    if answer["source"] == source {
        Ok(())
    } else {
        Err(format!("the token should have come from {source}").into())
    }
}

fn show(stage: &Stage, args: &[&str]) -> Outcome<()> {
    let mut child = stage.start(stage.command("entra", args))?;
    let status = child.wait()?;
    stage.ended(child.id());
    if status.success() {
        Ok(())
    } else {
        Err(format!("entra {} ended with {status}", args.join(" ")).into())
    }
}
