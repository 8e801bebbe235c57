//! Settings of the dashboard: where it listens, and who may do what there.

use std::net::SocketAddr;

use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::decode::quoted;
use crate::syntax::scalar::parsed;
use crate::syntax::schema::Schema;
use crate::syntax::tree::NodeId;

block! {
    /// The dashboard.
    pub struct Serve {
        /// Address and port that it listens on. Default: 127.0.0.1:8080.
        pub listen: Option<Spanned<Listen>>,
        /// Certificate for HTTPS, without which it listens on a loopback address alone.
        pub tls: Option<Tls>,
        /// Names that browsers may call it by, beside the address that it listens on.
        pub hosts: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["failback.corp.example"],
        /// Who may sign in.
        pub users: Vec<User>,
        /// Language of the pages of a browser that asks for none. Default: `en`.
        pub language: Option<Spanned<Language>>,
    }
}

block! {
    /// Files of a certificate.
    pub struct Tls {
        /// File of the certificate and those above it, as PEM, relative to this file.
        pub certificate: Spanned<String> where [Long] => "tls.crt",
        /// File of its key, as PEM.
        pub key: Spanned<String> where [Long] => "tls.key",
    }
}

words! {
    /// A language of the pages.
    pub enum Language {
        /// English.
        English = "en",
        /// Korean.
        Korean = "ko",
    }
}

block! {
    /// Somebody who may sign in, or whose signed approvals count.
    pub struct User {
        /// Name of the user, as the journal records it.
        pub name: Spanned<String> where [Name] => "kim",
        /// What the user may do: `viewer`, `operator` and `approver` are known to the dashboard, any other word is one that
        /// `approvers:` of a plan names.
        pub roles: Vec<Spanned<String>> where [Needed, Distinct] => ["operator", "approver", "dba"],
        /// File that holds the user's token, relative to this file.
        pub token_file: Option<Spanned<String>> where [Long] => "/etc/failback/kim.token",
        /// Environment variable that holds the user's token.
        pub token_env: Option<Spanned<String>> => "FAILBACK_TOKEN_KIM",
        /// Name of the user's account at the operating system, where it is another one: at a terminal it is the same person.
        pub os_user: Option<Spanned<String>> => "k.kim",
        /// Public ed25519 keys whose signatures count as the user's, as lines of `authorized_keys` without options.
        pub ssh_keys: Vec<Spanned<String>> where [NotEmpty, Distinct, Long] =>
            ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBukbGTNXZZYf5Z8UH1JELNZgHPWQBgaUsOqrGvh4IWz kim"],
    }
}

/// An address and port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Decode for Listen {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write an address and a port: 127.0.0.1:8080";
        parsed(reader, node, "bad-host", "an address and a port", help, |text| {
            text.parse().map(Self).map_err(|_| format!("{} is not an address and a port", quoted(text)))
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": r"^([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!("127.0.0.1:8080")
    }
}

impl serde::Serialize for Listen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
