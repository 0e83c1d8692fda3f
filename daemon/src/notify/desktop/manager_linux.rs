//! The user's service manager (systemd) runs what the daemon may not: a program as a unit of its own, without a shell.
//!
//! The unit ends with the program, but what the program left running, as a browser, is let live.

use tokio::time::timeout;
use uuid::Uuid;
use zbus::zvariant::Value;

use super::bus_linux::{Bus, Place, next, object};
use super::{ANSWER_TIME, Trouble};

/// Has the user's service manager run a program with these variables. Returns when it has ended well, or runs for longer
/// than [`ANSWER_TIME`].
///
/// # Errors
/// [`Trouble::NoDesktop`] where there is no such manager, [`Trouble::Refused`] where it could not run the program or the
/// program ended with a fault.
pub async fn run(command: &[String], variables: &[(&str, String)]) -> Result<(), Trouble> {
    let Some(program) = command.first() else { return Err(Trouble::Refused("no command".to_owned())) };
    run_on(Bus::session().await?, program, command, variables).await
}

pub(super) async fn run_on(
    bus: Bus,
    program: &str,
    command: &[String],
    variables: &[(&str, String)],
) -> Result<(), Trouble> {
    if !bus.has(MANAGER.name).await {
        return Err(Trouble::NoDesktop);
    }
    // Without this no manager tells of its jobs.
    bus.call(MANAGER, "Subscribe", &()).await?;
    let mut jobs = bus.signals(MANAGER.interface).await?;
    let unit = format!("entra-prompt-{}.service", Uuid::new_v4().simple());
    let variables: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let start = vec![(program, command, false)];
    let properties = vec![
        ("Description", Value::from("Asks for a sign-in")),
        ("Type", Value::from("oneshot")),
        ("KillMode", Value::from("process")),
        ("CollectMode", Value::from("inactive-or-failed")),
        ("Environment", Value::from(variables)),
        ("ExecStart", Value::from(start)),
    ];
    let others: Vec<(&str, Vec<(&str, Value<'_>)>)> = Vec::new();
    let call = (unit.as_str(), "fail", properties, others);
    let job = object(&bus.call(MANAGER, "StartTransientUnit", &call).await?)?;
    let ended = async {
        while let Some(signal) = next(&mut jobs).await {
            let is_end = signal.header().member().is_some_and(|member| member.as_str() == "JobRemoved");
            let body = signal.body();
            if is_end
                && let Ok((_, path, _, result)) =
                    body.deserialize::<(u32, zbus::zvariant::ObjectPath<'_>, &str, &str)>()
                && path.as_str() == job.as_str()
            {
                return if result == "done" {
                    Ok(())
                } else {
                    Err(Trouble::Refused(format!("{program}: {result}")))
                };
            }
        }
        Err(Trouble::Gone)
    };
    timeout(ANSWER_TIME, ended).await.unwrap_or(Ok(()))
}

const MANAGER: Place = Place {
    name: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};
