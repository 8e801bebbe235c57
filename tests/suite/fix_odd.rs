//! `--fix` of texts that are written in odd ways: ends of lines, comments, letters, brackets, anchors, several documents.

use failback::syntax::repair::repair;

fn fixed(text: &str) -> Option<String> {
    repair(text).map(|repaired| repaired.text)
}

#[test]
fn however_a_text_is_written_only_what_is_wrong_changes() {
    for (wrong, right) in [
        // Ends of lines: of an old Macintosh, mixed, none at the end.
        ("name: p\rmachnes: [w1]\r", "name: p\rmachines: [w1]\r"),
        (
            "name: p\r\nmachnes: [w1]\nobjectives:\r\n\trto: 90 min",
            "name: p\r\nmachines: [w1]\nobjectives:\r\n  rto: 90m",
        ),
        // Comments wherever they may stand.
        (
            "# a\nmachnes: # b\n# c\n- name: w2 # d\n  # e\n  depends-on: # f\n  - w1 # g\n# h",
            "# a\nmachines: # b\n# c\n- name: w2 # d\n  # e\n  depends_on: # f\n  - w1 # g\n# h",
        ),
        // Letters of any width before what is wrong.
        (
            "name: 서울 복구 # 설명\nmachnes: [웹1, \u{1f600}off, off]   # 기계",
            "name: 서울 복구 # 설명\nmachines: [웹1, \u{1f600}off, \"off\"]   # 기계",
        ),
        // Brackets over several lines, a comma at the end, tabs inside them.
        (
            "machnes: [ # m\n  {name: w1, failback: {masterTarget: mtw}},\n  w2, ]\n",
            "machines: [ # m\n  {name: w1, failback: {master_target: mtw}},\n  w2, ]\n",
        ),
        ("objectives:\t{\n\trto:\t90 min\t,\n\trpo: 1 h}\n", "objectives:\t{\n  rto:\t90m\t,\n  rpo: 1h}\n"),
        // Keys with a question mark, an anchor at what is wrong, a text that only looks wrong.
        ("? machnes\n: [w1]\n", "? machines\n: [w1]\n"),
        ("name: &n no\nmachines:\n- {name: *n}\n", "name: &n \"no\"\nmachines:\n- {name: *n}\n"),
        (
            "description: |\n  machnes: off\n  rto: 90 min\nmachnes: [w1]\n",
            "description: |\n  machnes: off\n  rto: 90 min\nmachines: [w1]\n",
        ),
        // A second document.
        (
            "machnes: [w1]\n---\n# second\nkind: Inventry\nversion: 1\nname: i\nvalut: {experience: Classic}\n...\n",
            "machines: [w1]\n---\n# second\nkind: Inventory\nversion: 1\nname: i\nvault: {experience: classic}\n...\n",
        ),
    ] {
        let head = if wrong.contains('\r') {
            "kind: RecoveryPlan\rversion: 1\r"
        } else {
            "kind: RecoveryPlan\nversion: 1\n"
        };
        assert_eq!(
            fixed(&format!("{head}{wrong}")).as_deref(),
            Some(format!("{head}{right}").as_str()),
            "{wrong}"
        );
    }
}
