//! What of one contract another one breaks.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::model::{Contract, Enum, Field, File, Message, Method, Service};

/// Fields below this number belong to the published contract, used or retired.
const FIRST_ADDED_FIELD: u32 = 1000;

/// One line per promise of `published` that `ours` breaks, or per addition that is not allowed.
pub fn differences(published: &Contract, ours: &Contract) -> Vec<String> {
    let mut found = Differences::default();
    found.equal("package", &published.package, &ours.package);
    found.each(&published.files, &ours.files, Differences::file);
    found.each(&published.messages, &ours.messages, Differences::message);
    found.each(&published.enums, &ours.enums, Differences::an_enum);
    found.each(&published.services, &ours.services, Differences::service);
    for name in ours.services.keys() {
        if !published.services.contains_key(name) {
            found.0.push(format!("{name}: added service"));
        }
    }
    found.0
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn file(&mut self, name: &str, published: &File, ours: &File) {
        self.equal(&at(name, "package"), &published.package, &ours.package);
        self.equal(&at(name, "syntax"), &published.syntax, &ours.syntax);
        let go_package = at(name, "go_package");
        self.equal(&go_package, &published.go_package, &ours.go_package);
        // New types may need new imports, and stand beside the old ones.
        let imports = at(name, "import");
        self.contains(&imports, &published.dependencies, &ours.dependencies);
        self.contains(&at(name, "message"), &published.messages, &ours.messages);
        self.contains(&at(name, "enum"), &published.enums, &ours.enums);
        self.contains(&at(name, "service"), &published.services, &ours.services);
    }

    fn message(&mut self, name: &str, published: &Message, ours: &Message) {
        self.equal(&at(name, "file"), &published.file, &ours.file);
        self.contains(&at(name, "oneof"), &published.oneofs, &ours.oneofs);
        let published = by_name(&published.fields, |field| &field.name);
        let ours = by_name(&ours.fields, |field| &field.name);
        for (field, published) in &published {
            match ours.get(field) {
                Some(ours) => self.field(&at(name, field), published, ours),
                None => self.0.push(format!("{}: missing", at(name, field))),
            }
        }
        for (field, added) in &ours {
            if !published.contains_key(field) && added.number < FIRST_ADDED_FIELD {
                let (at, number) = (at(name, field), added.number);
                self.0.push(format!(
                    "{at}: added with number {number}, below {FIRST_ADDED_FIELD}"
                ));
            }
        }
    }

    fn field(&mut self, name: &str, published: &Field, ours: &Field) {
        self.equal(&at(name, "number"), &published.number, &ours.number);
        self.equal(&at(name, "type"), &published.kind, &ours.kind);
        let type_name = at(name, "type name");
        self.equal(&type_name, &published.type_name, &ours.type_name);
        self.equal(&at(name, "label"), &published.label, &ours.label);
        self.equal(&at(name, "oneof"), &published.oneof, &ours.oneof);
        self.equal(&at(name, "map"), &published.map, &ours.map);
        let json_name = at(name, "json name");
        self.equal(&json_name, &published.json_name, &ours.json_name);
        self.equal(&at(name, "presence"), &published.presence, &ours.presence);
        self.equal(&at(name, "packed"), &published.packed, &ours.packed);
        let deprecated = at(name, "deprecated");
        self.equal(&deprecated, &published.deprecated, &ours.deprecated);
    }

    /// An enum does not grow: old clients would meet numbers they cannot name.
    fn an_enum(&mut self, name: &str, published: &Enum, ours: &Enum) {
        self.equal(&at(name, "file"), &published.file, &ours.file);
        self.equal(&at(name, "values"), &published.values, &ours.values);
    }

    fn service(&mut self, name: &str, published: &Service, ours: &Service) {
        self.equal(&at(name, "file"), &published.file, &ours.file);
        let ours = by_name(&ours.methods, |method| &method.name);
        for published in &published.methods {
            let path = format!("/{name}/{}", published.name);
            match ours.get(published.name.as_str()) {
                Some(ours) => self.method(&path, published, ours),
                None => self.0.push(format!("{path}: missing")),
            }
        }
    }

    fn method(&mut self, path: &str, published: &Method, ours: &Method) {
        self.equal(&at(path, "input"), &published.input, &ours.input);
        self.equal(&at(path, "output"), &published.output, &ours.output);
        let client = (published.client_streaming, ours.client_streaming);
        self.equal(&at(path, "client streaming"), &client.0, &client.1);
        let server = (published.server_streaming, ours.server_streaming);
        self.equal(&at(path, "server streaming"), &server.0, &server.1);
        self.equal(&at(path, "http"), &published.http, &ours.http);
        let deprecated = at(path, "deprecated");
        self.equal(&deprecated, &published.deprecated, &ours.deprecated);
    }

    /// Compares the entries of the same name; an entry that only ours has is an addition.
    fn each<T>(
        &mut self,
        published: &BTreeMap<String, T>,
        ours: &BTreeMap<String, T>,
        compare: fn(&mut Self, &str, &T, &T),
    ) {
        for (name, published) in published {
            match ours.get(name) {
                Some(ours) => compare(self, name, published, ours),
                None => self.0.push(format!("{name}: missing")),
            }
        }
    }

    fn equal<T: PartialEq + Debug>(&mut self, what: &str, published: &T, ours: &T) {
        if published != ours {
            self.0
                .push(format!("{what}: published {published:?}, ours {ours:?}"));
        }
    }

    fn contains(&mut self, what: &str, published: &[String], ours: &[String]) {
        for name in published {
            if !ours.contains(name) {
                self.0.push(format!("{what} {name}: missing"));
            }
        }
    }
}

fn at(name: &str, part: &str) -> String {
    format!("{name}: {part}")
}

fn by_name<T>(items: &[T], name: fn(&T) -> &String) -> BTreeMap<&str, &T> {
    items
        .iter()
        .map(|item| (name(item).as_str(), item))
        .collect()
}
