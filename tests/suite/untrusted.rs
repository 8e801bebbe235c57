//! Plans of strangers: what lies outside the workspace is neither read nor written, and nothing tells what is there.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const SECRET: &str = "{\"auths\":{\"ghcr.io\":{\"auth\":\"hunter2\"}}}\n";

/// Returns a repository with a plan, and beside it what nobody may see.
fn site() -> Folder {
    let folder = Folder::with(&[
        ("repo/.git/HEAD", ""),
        ("repo/plans/a.plan.yaml", &named("site.inventory.yaml")),
        ("repo/plans/site.inventory.yaml", CLASSIC_INVENTORY),
        ("home/config.json", SECRET),
        ("home/other.inventory.yaml", CLASSIC_INVENTORY),
        ("home/typo.plan.yaml", "kind: RecoveryPlan\nversion: 1\nname: victim\nmachnes: [w1]\n"),
    ]);
    let ended = folder.run(&["check", "repo/plans"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    folder
}

fn named(inventory: &str) -> String {
    CLASSIC_PLAN.replace("classic.inventory.yaml", inventory)
}

#[test]
fn a_link_in_a_folder_does_not_choose_what_is_read() {
    let folder = site();
    let plans = folder.path().join("repo/plans");
    for (name, target) in
        [("z.plan.yaml", "../../home/config.json"), ("x", "../../home"), ("y.plan.yaml", "../../home/none")]
    {
        symlink(target, plans.join(name)).expect("linked");
        for format in ["human", "json", "github"] {
            let ended = folder.run(&["check", "repo/plans", "--format", format]);
            let said = ended.said();
            assert_eq!(ended.exit, 2, "{said}");
            assert!(said.contains("outside the workspace") && said.contains(name), "{said}");
            assert!(!said.contains("hunter2") && !said.contains("victim"), "{said}");
        }
        std::fs::remove_file(plans.join(name)).expect("removed");
    }
}

#[test]
fn a_folder_of_a_repository_that_is_a_link_out_of_it_is_not_walked() {
    let folder = site();
    symlink("../home", folder.path().join("repo/more")).expect("linked");
    let ended = folder.run_in("repo", &["check", "more"]);
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert!(ended.err.contains("outside the workspace"), "{}", ended.said());
    assert!(!ended.said().contains("victim"), "{}", ended.said());
}

#[test]
fn links_inside_the_workspace_are_followed() {
    let folder = site();
    folder.write(
        "repo/common/b.plan.yaml",
        named("../plans/site.inventory.yaml").replace("name: classic", "name: b").as_bytes(),
    );
    symlink("../common", folder.path().join("repo/plans/common")).expect("linked");
    let ended = folder.run(&["check", "repo/plans/common"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.out.contains("may run"), "{}", ended.said());
}

#[test]
fn nothing_outside_is_put_right() {
    let folder = site();
    symlink("../../home/typo.plan.yaml", folder.path().join("repo/plans/z.plan.yaml")).expect("linked");
    symlink("../../home", folder.path().join("repo/plans/home")).expect("linked");
    let before = std::fs::read(folder.path().join("home/typo.plan.yaml")).expect("read");
    let ended = folder.run(&["check", "--fix", "repo/plans"]);
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert_eq!(std::fs::read(folder.path().join("home/typo.plan.yaml")).expect("read"), before);
}

#[test]
fn an_inventory_outside_is_refused_in_the_same_words_whether_it_exists_or_not() {
    let folder = site();
    let told = |inventory: &str| {
        folder.write("repo/plans/a.plan.yaml", named(inventory).as_bytes());
        let ended = folder.run(&["check", "repo/plans"]);
        assert_eq!(ended.exit, 1, "{}", ended.said());
        assert!(ended.out.contains("error[outside-workspace]"), "{}", ended.said());
        ended.said().replace(inventory, "FILE").replace(&"^".repeat(inventory.chars().count()), "^")
    };
    let there = told("../../home/other.inventory.yaml");
    for missing in [
        "../../home/othr.inventory.yaml",
        "../../none/x.yaml",
        "/none/x.yaml",
        // The way out and back says whether a folder is there.
        "../../none/../repo/plans/site.inventory.yaml",
    ] {
        assert_eq!(told(missing), there);
    }
    folder.write("repo/sites/README", b"");
    symlink("../../home/none.yaml", folder.path().join("repo/sites/link.yaml")).expect("linked");
    assert_eq!(told("../sites/link.yaml"), there);
}
