//! `entra setup` of every tool that needs no lease: set up, again, and back, byte for byte. Elsewhere other folders hold it.
#![cfg(any(target_os = "linux", windows))]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

#[path = "support/home.rs"]
mod home;
mod support;

use std::env::consts::EXE_SUFFIX;
use std::fs;

use home::{CLAUDE_DESKTOP, Home, STATE, assert_is_the_program, assert_same, is_private, toml};
use rstest::rstest;
use support::{entra, err, out};

const FEED: &str = "https://pkgs.dev.azure.com/o/_packaging/f/npm/registry/";

/// The tool with its options, its file, what the file holds, and lines that are in it afterwards.
#[rstest]
#[case("git", ".gitconfig", None, &["[credential \"https://dev.azure.com\"]\n\thelper =\n\thelper = {git}\n", "[credential \"https://*.visualstudio.com\"]"])]
#[case("git", ".gitconfig", Some("\u{feff}# mine\r\n[user]\r\n\tname = \"A # B\""), &["# mine\r\n[user]\r\n\tname = \"A # B\"\r\n[credential \"https://dev.azure.com\"]\r\n"])]
#[case("git", ".gitconfig", Some("[credential \"https://dev.azure.com\"]\n\thelper = manager\n\tuseHttpPath = true\n[x]\n"), &["[credential \"https://dev.azure.com\"]\n\thelper =\n\thelper = {git}\n", "\n\tuseHttpPath = true\n[x]\n"])]
#[case("docker --registry a.azurecr.io --registry b.azurecr.io", ".docker/config.json", None, &["\"credHelpers\": {", "\"a.azurecr.io\": \"entra\"", "\"b.azurecr.io\": \"entra\""])]
#[case("docker --registry a.azurecr.io", ".docker/config.json", Some("{\n\t\"auths\": {},\n\t\"credsStore\": \"x\",\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"gcloud\"\n\t}\n}"), &["\t\"credsStore\": \"x\",", "\"gcr.io\": \"gcloud\",\n\t\t\"a.azurecr.io\": \"entra\"\n\t}\n}"])]
#[case("cargo", ".cargo/config.toml", None, &["[credential-alias]\nentra = [{cargo}]\n", "global-credential-providers = [\"cargo:token\", \"entra\"]"])]
#[case("cargo --registry mine", ".cargo/config.toml", Some("# c\r\n[registries.mine] # d\r\nindex = \"sparse+https://h/\"\r\n\r\n[build]\r\njobs = 1"), &["# c\r\n[registries.mine] # d\r\nindex = \"sparse+https://h/\"\r\ncredential-provider = [{cargo}]\r\n\r\n[build]\r\njobs = 1"])]
#[case("cargo", ".cargo/config.toml", Some("[registry]\nglobal-credential-providers = [\"cargo:libsecret\"] # mine\n"), &["global-credential-providers = [\"cargo:libsecret\", \"entra\"] # mine\n"])]
#[case("pip", "config/pip.conf", None, &["[global]\nkeyring-provider = subprocess\n"])]
#[case("pip", "config/pip.conf", Some("[global]\nindex-url =\n\thttps://h\n; end"), &["[global]\nindex-url =\n\thttps://h\nkeyring-provider = subprocess\n; end"])]
#[case("uv", "config/uv/uv.toml", None, &["keyring-provider = \"subprocess\"\n"])]
#[case("uv", "config/uv/uv.toml", Some("[pip]\nstrict = true"), &["keyring-provider = \"subprocess\"\n", "[pip]\nstrict = true"])]
#[case("npm --registry https://h/r/", ".npmrc", None, &["//h/r/:_authToken=${ENTRA_NPM_TOKEN}\n"])]
#[case("npm --registry https://h/r/", ".npmrc", Some("//h/r/:_authToken=old\r\nfund=false"), &["//h/r/:_authToken=${ENTRA_NPM_TOKEN}\r\nfund=false"])]
#[case("pnpm --registry https://pkgs.dev.azure.com/r", ".npmrc", Some("fund=false"), &["fund=false\n//pkgs.dev.azure.com/r/:tokenHelper={pnpm}"])]
#[case("kubectl", "data/entrad/bin/kubelogin", None, &[])]
#[case("az-shim", "data/entrad/shims/az", None, &[])]
#[case("azd-shim", "data/entrad/shims/azd", None, &[])]
fn a_tool_is_set_up_once_and_taken_back_whole(
    #[case] line: &str,
    #[case] file: &str,
    #[case] text: Option<&str>,
    #[case] lines: &[&str],
) {
    let home = Home::with(&text.map(|text| (file, text)).into_iter().collect::<Vec<_>>());
    let before = home.tree();
    let printed = home.good(&format!("setup {line} --print"));
    assert!(printed.contains("Nothing was changed."), "{printed}");
    assert_same(&home.tree(), &before);

    let said = home.good(&format!("setup {line}"));
    let tool = line.split(' ').next().unwrap();
    assert!(said.ends_with(&format!("\nUndo it: entra setup {tool} --undo\n")), "{said}");
    if !lines.is_empty() {
        let text = home.read(file);
        let git = home.helper("git-credential-entra").display().to_string().replace('\\', "/");
        let filled = |line: &str| {
            line.replace("{git}", &git)
                .replace("{cargo}", &toml(&home.helper("cargo-credential-entra")))
                .replace("{pnpm}", home.helper("pnpm-token-entra").to_str().unwrap())
        };
        assert!(lines.iter().all(|line| text.contains(&filled(line))), "{text}");
    }
    let ending = if lines.is_empty() { EXE_SUFFIX } else { "" };
    assert!(fs::exists(home.at(&format!("{file}{ending}"))).unwrap());
    let set_up = home.tree();
    let said = home.good(&format!("setup {line}"));
    assert!(said.contains("nothing was changed"), "{said}");
    assert_same(&home.tree(), &set_up);
    assert!(home.good("setup").lines().any(|line| line.starts_with(tool) && line.contains("set up")));

    home.good(&format!("setup {tool} --undo"));
    assert_same(&home.tree(), &before);
    let said = home.good(&format!("setup {tool} --undo"));
    assert!(said.contains("nothing to undo"), "{said}");
}

#[test]
fn links_lead_to_the_program() {
    let home = Home::with(&[]);
    home.good("setup git");
    home.good("setup az-shim");
    assert_is_the_program(&home.helper("git-credential-entra"));
    assert_is_the_program(&home.shim("az"));
}

#[test]
fn two_tools_share_a_link_and_a_file() {
    let home = Home::with(&[(".npmrc", "fund=false")]);
    let before = home.tree();
    for (first, second) in [("pip", "uv"), ("uv", "pip")] {
        home.good("setup pip");
        home.good("setup uv");
        home.good(&format!("setup {first} --undo"));
        assert!(home.helper("keyring").exists());
        home.good(&format!("setup {second} --undo"));
        assert_same(&home.tree(), &before);
    }
    for empty in [false, true] {
        if empty {
            fs::remove_file(home.at(".npmrc")).unwrap();
        }
        let before = home.tree();
        for (first, second) in [("npm", "pnpm"), ("pnpm", "npm")] {
            home.good(&format!("setup npm --registry {FEED}"));
            home.good(&format!("setup pnpm --registry {FEED}"));
            home.good(&format!("setup {first} --undo"));
            assert_eq!(home.read(".npmrc").matches(":_authToken").count(), usize::from(second == "npm"));
            home.good(&format!("setup {second} --undo"));
            assert_same(&home.tree(), &before);
        }
    }
}

#[test]
fn what_others_changed_since_stays() {
    let home = Home::with(&[(".gitconfig", "[user]\n\tname = A\n")]);
    home.good("setup git");
    let text = home.read(".gitconfig") + "[core]\n\tpager = less\n";
    home.write(".gitconfig", &text);
    let said = home.good("setup git --undo");
    assert!(said.contains("was changed since"), "{said}");
    assert_eq!(home.read(".gitconfig"), "[user]\n\tname = A\n[core]\n\tpager = less\n");

    // Between two runs of entra, too.
    home.good("setup docker --registry a.azurecr.io");
    let text = home.read(".docker/config.json").replacen('{', "{\n  \"psFormat\": \"x\",", 1);
    home.write(".docker/config.json", &text);
    home.good("setup docker --registry b.azurecr.io");
    home.good("setup docker --undo");
    assert_eq!(home.read(".docker/config.json"), "{\n  \"psFormat\": \"x\"\n}\n");
}

/// As a run leaves it that is killed between its record and its change, or before its record goes again.
#[test]
fn a_file_that_is_as_it_was_has_nothing_to_take_out() {
    // No edit leads back to this spelling.
    let text = "[credential \"https://dev.azure.com\"]\n\tHelper=\"manager\" ; mine\n";
    let home = Home::with(&[(".gitconfig", text)]);
    let before = home.tree();
    home.good("setup git");
    home.write(".gitconfig", text);
    let said = home.good("setup git --undo");
    assert!(!said.contains("changed since") && !said.contains("Another value"), "{said}");
    assert_same(&home.tree(), &before);

    home.good("setup git");
    home.write(".gitconfig", text);
    home.good("setup git");
    home.good("setup git --undo");
    assert_same(&home.tree(), &before);
}

#[test]
fn what_took_a_link_s_place_does_not_keep_the_settings() {
    let home = Home::with(&[(".gitconfig", "[user]\n")]);
    home.good("setup git");
    let link = home.helper("git-credential-entra");
    fs::remove_file(&link).unwrap();
    fs::write(&link, "theirs").unwrap();
    // Where one stands beside it, it tells that the program is entra's.
    let _ = fs::remove_file(link.with_extension("cmd"));
    let said = home.good("setup git --undo");
    assert!(said.contains("is not entra's any more, and stays"), "{said}");
    assert_eq!(fs::read_to_string(&link).unwrap(), "theirs");
    assert_eq!(home.read(".gitconfig"), "[user]\n");
}

#[test]
fn what_others_added_to_a_list_stays_without_what_is_ours() {
    let home = Home::with(&[(".cargo/config.toml", "[registry]\nglobal-credential-providers = [\"a\"]\n")]);
    home.good("setup cargo");
    let text = home.read(".cargo/config.toml").replace("\"entra\"]", "\"entra\", \"b\"]");
    home.write(".cargo/config.toml", &text);
    home.good("setup cargo --undo");
    assert_eq!(home.read(".cargo/config.toml"), "[registry]\nglobal-credential-providers = [\"a\", \"b\"]\n");

    let list = format!("{CLAUDE_DESKTOP}/configLibrary/_meta.json");
    home.good("setup claude-desktop --foundry r --model m");
    let text = home.read(&list).replacen('[', "[{\"id\": \"x\", \"name\": \"X\"},", 1);
    home.write(&list, &text);
    home.good("setup claude-desktop --undo");
    let kept: serde_json::Value = serde_json::from_str(&home.read(&list)).unwrap();
    assert_eq!(kept, serde_json::json!({ "entries": [{ "id": "x", "name": "X" }] }));

    home.write(".gitconfig", "");
    home.good("setup git");
    let text = home.read(".gitconfig").replacen(
        "[credential \"https://*",
        "\thelper = store\n[credential \"https://*",
        1,
    );
    home.write(".gitconfig", &text);
    home.good("setup git --undo");
    assert_eq!(home.read(".gitconfig"), "[credential \"https://dev.azure.com\"]\n\thelper = store\n");
}

#[test]
fn copies_without_a_record_are_swept() {
    let home = Home::with(&[(".gitconfig", "[user]\n"), (".npmrc", "")]);
    home.good("setup git");
    home.good(&format!("setup npm --registry {FEED}"));
    fs::remove_file(home.at(&format!("{STATE}/git.json"))).unwrap();
    home.good("setup git --undo");
    assert!(!fs::exists(home.at(&format!("{STATE}/git-0.original"))).unwrap());
    assert!(fs::exists(home.at(&format!("{STATE}/npm-0.original"))).unwrap());
}

#[test]
fn a_second_registry_joins_the_first() {
    let home = Home::with(&[(".docker/config.json", "{}")]);
    let before = home.tree();
    home.good("setup docker --registry a.azurecr.io");
    home.good("setup docker --registry b.azurecr.io");
    assert_eq!(home.read(".docker/config.json").matches("\"entra\"").count(), 2);
    home.good("setup docker --undo");
    assert_same(&home.tree(), &before);
}

#[rstest]
#[case("git", ".gitconfig", "[user]\n[oops\n", "line 2, column 1")]
#[case("docker --registry a.azurecr.io", ".docker/config.json", "{\n  \"auths\": {},\n}", "line 3, column 1")]
#[case(
    "docker --registry a.azurecr.io",
    ".docker/config.json",
    "{\"credHelpers\": 1}",
    "`credHelpers` is not a table"
)]
#[case("cargo", ".cargo/config.toml", "[a]\nb = = 1\n", "line 2, column 5")]
#[case("pip", "config/pip.conf", "x = 1\n", "line 1, column 1")]
fn what_does_not_parse_is_left_alone(
    #[case] line: &str,
    #[case] file: &str,
    #[case] text: &str,
    #[case] words: &str,
) {
    let home = Home::with(&[(file, text)]);
    let before = home.tree();
    let output = home.run(&format!("setup {line}"));
    assert_eq!(output.status.code(), Some(5));
    let said = err(&output).replace('\\', "/");
    assert!(said.contains(words) && said.contains(file), "{said}");
    assert_same(&home.tree(), &before);
}

#[test]
fn a_step_that_fails_takes_the_former_ones_with_it() {
    let theirs = format!("data/entrad/bin/git-credential-entra{EXE_SUFFIX}");
    let home = Home::with(&[(".gitconfig", "[user]\n"), (&theirs, "theirs")]);
    let before = home.tree();
    let output = home.run("setup git");
    assert_eq!(output.status.code(), Some(5), "{}", out(&output));
    assert!(
        err(&output).contains(&format!("git-credential-entra{EXE_SUFFIX} cannot be written")),
        "{}",
        err(&output)
    );
    assert_same(&home.tree(), &before);
}

#[test]
fn copies_of_settings_are_private() {
    let home = Home::with(&[(".npmrc", "//h/:_authToken=secret\n")]);
    home.good(&format!("setup npm --registry {FEED}"));
    let tree = home.tree();
    let kept: Vec<_> = tree.iter().filter(|(path, _)| path.starts_with(STATE)).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.iter().all(|(_, (mode, _))| is_private(*mode)));
}

#[rstest]
#[case("docker", "--registry")]
#[case("docker --registry a/b", "not a registry's host")]
#[case("npm --registry http://h/", "over HTTPS")]
#[case("pnpm --registry http://pkgs.dev.azure.com/", "over HTTPS")]
#[case("pnpm --registry https://registry.example/", "no registry of Azure Artifacts")]
#[case("pnpm --registry https://pkgs.dev.azure.com.evil.example/", "no registry of Azure Artifacts")]
#[case("cargo --registry a.b", "not the name of a registry")]
#[case("claude-desktop --foundry x", "--model")]
#[case("claude-desktop --foundry a.b --model m", "not the name of a Foundry resource")]
#[case("git --undo --print", "cannot be used")]
#[case("emacs", "unrecognized subcommand")]
fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] words: &str) {
    let home = Home::with(&[]);
    let output = home.run(&format!("setup {line}"));
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains(words), "{}", err(&output));
    assert_eq!(home.tree().len(), 1);
}

#[test]
fn a_second_run_that_fails_leaves_the_first() {
    let home = Home::with(&[(".npmrc", "fund=false")]);
    home.good(&format!("setup pnpm --registry {FEED}"));
    home.good("setup pip");
    fs::write(home.at("config/other"), "[global]\n").unwrap();
    fs::remove_file(home.helper("keyring")).unwrap();
    fs::create_dir(home.helper("keyring")).unwrap();
    let before = home.tree();
    let mut command = entra("setup pip");
    home.dress(&mut command);
    let output = command.env("PIP_CONFIG_FILE", home.at("config/other")).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", out(&output));
    assert_same(&home.tree(), &before);
}
