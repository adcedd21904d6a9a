//! A crate's modules and which of them uses which, read from its sources' tokens. Tests are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::repository;

/// A module's path below its crate: empty for the crate itself.
pub type Path = Vec<String>;

/// Which module uses which, each with an item that it uses.
pub type Uses = BTreeMap<Path, BTreeMap<Path, String>>;

/// A module as its file says.
#[derive(Default)]
struct Module {
    /// What it names: paths as they are written, from the crate on.
    named: BTreeSet<Path>,
    /// What it hands on under its own name.
    handed_on: BTreeMap<String, Path>,
}

/// The modules of the crate in a folder, as `crates/domain`.
///
/// # Panics
/// When a file is no Rust.
#[must_use]
pub fn uses(folder: &str) -> Uses {
    let src = format!("{folder}/src");
    let all = repository::rust_files(&src);
    // A `main` beside a library is a crate of its own, and uses that.
    let is_program = |file: &String| *file == format!("{src}/main.rs") && all.contains(&format!("{src}/lib.rs"));
    let files = all.iter().filter(|file| !is_program(file));
    let files: Vec<(Path, String)> = files.filter_map(|file| Some((module(&src, file)?, file.clone()))).collect();
    let paths: BTreeSet<Path> = files.iter().map(|(path, _)| path.clone()).collect();
    let read = |(path, file): (Path, String)| {
        let tokens: TokenStream =
            repository::text(&file).parse().unwrap_or_else(|error| panic!("{file} is no Rust: {error}"));
        let mut module = Module::default();
        Reader { path: &path, all: &paths, module: &mut module }.read(tokens);
        (path, module)
    };
    let modules: BTreeMap<Path, Module> = files.into_iter().map(read).collect();
    let mut uses = Uses::new();
    for (path, module) in &modules {
        let found = uses.entry(path.clone()).or_default();
        for named in &module.named {
            let item = resolved(&modules, named.clone());
            let of = (0..=item.len()).rev().map(|length| &item[..length]).find(|of| modules.contains_key(*of));
            if let Some(of) = of.filter(|of| *of != path) {
                found.entry(of.to_vec()).or_insert_with(|| item.join("::"));
            }
        }
    }
    uses
}

/// The same for the folders at one level: which of the modules below `parent` uses which of its siblings.
#[must_use]
pub fn siblings(uses: &Uses, parent: &[String]) -> Uses {
    let below = |path: &Path| path.get(..=parent.len()).filter(|_| path.starts_with(parent)).map(<[String]>::to_vec);
    let mut level = Uses::new();
    for (path, used) in uses {
        for (of, item) in used {
            let (Some(user), Some(used)) = (below(path), below(of)) else { continue };
            if user != used {
                level.entry(user).or_default().entry(used).or_insert_with(|| format!("{item}, by {}", path.join("::")));
            }
        }
    }
    level
}

/// A shortest circle, as a sentence; `None` where there is none.
#[must_use]
pub fn circle(uses: &Uses) -> Option<String> {
    let back = |start: &Path| {
        let mut before: BTreeMap<&Path, &Path> = BTreeMap::new();
        let mut next = VecDeque::from([start]);
        while let Some(at) = next.pop_front() {
            for of in uses.get(at).into_iter().flat_map(BTreeMap::keys) {
                let is_new = !before.contains_key(of);
                if is_new {
                    before.insert(of, at);
                    next.push_back(of);
                }
                if of == start {
                    return Some(steps(uses, start, &before));
                }
            }
        }
        None
    };
    uses.keys().filter_map(back).min_by_key(Vec::len).map(|steps| steps.join("; "))
}

/// The way from a module back to itself.
fn steps(uses: &Uses, start: &Path, before: &BTreeMap<&Path, &Path>) -> Vec<String> {
    let mut steps = Vec::new();
    let mut to = start;
    loop {
        let from = before[to];
        steps.push(format!("{} uses {}", shown(from), uses[from][to]));
        if from == start {
            steps.reverse();
            return steps;
        }
        to = from;
    }
}

fn shown(path: &Path) -> String {
    if path.is_empty() { "the crate's root".to_owned() } else { path.join("::") }
}

/// The module that a file is; `None` for tests and fakes of tests.
fn module(src: &str, file: &str) -> Option<Path> {
    let inside = file.strip_prefix(src)?.trim_start_matches('/').strip_suffix(".rs")?;
    let mut path: Path = inside.split('/').map(str::to_owned).collect();
    if path.iter().any(|name| name == "tests") {
        return None;
    }
    path.pop_if(|name| ["mod", "lib", "main"].contains(&name.as_str()));
    Some(path)
}

/// Follows what modules hand on to where it is defined.
fn resolved(modules: &BTreeMap<Path, Module>, mut item: Path) -> Path {
    // No chain of this repository is longer; one that goes round ends.
    for _ in 0..16 {
        let handed_on = (1..=item.len()).rev().find_map(|length| {
            let (name, of) = item[..length].split_last()?;
            let to = modules.get(of)?.handed_on.get(name)?;
            (*to != item[..length]).then(|| to.iter().chain(&item[length..]).cloned().collect())
        });
        match handed_on {
            Some(further) => item = further,
            None => break,
        }
    }
    item
}

/// Reads one module's tokens.
struct Reader<'r> {
    path: &'r Path,
    all: &'r BTreeSet<Path>,
    module: &'r mut Module,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut is_public = false;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(mark) if mark.as_char() == '#' && is_test(tokens.get(at + 1)) => {
                    at = after_item(&tokens, at + 2);
                    continue;
                }
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = true;
                    let scope = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                    at += 1 + usize::from(scope);
                    continue;
                }
                TokenTree::Ident(word) if word == "use" => {
                    let end = (at..tokens.len()).find(|end| is_mark(&tokens[*end], ';')).unwrap_or(tokens.len());
                    for (path, name) in leaves(&tokens[at + 1..end], &[]) {
                        self.import(path, name, is_public);
                    }
                    at = end;
                }
                TokenTree::Ident(_) => {
                    let (path, next) = path(&tokens, at);
                    if path.len() > 1 {
                        self.name(path);
                    }
                    at = next;
                    is_public = false;
                    continue;
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            is_public = false;
            at += 1;
        }
    }

    fn import(&mut self, path: Path, name: String, is_public: bool) {
        let Some(item) = self.absolute(path) else { return };
        if is_public {
            self.module.handed_on.insert(name, item.clone());
            // To hand on what a module's own children define is not to use it.
            if item.starts_with(self.path) {
                return;
            }
        }
        self.module.named.insert(item);
    }

    fn name(&mut self, path: Path) {
        self.module.named.extend(self.absolute(path));
    }

    /// A path as it is written, from the crate on; `None` where it leads into another crate.
    fn absolute(&self, path: Path) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let child = || self.path.iter().chain([first]).cloned().collect::<Path>();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(self.path.iter().chain(rest).cloned().collect()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let parent = &self.path[..self.path.len().checked_sub(ups)?];
                Some(parent.iter().chain(&path[ups..]).cloned().collect())
            }
            _ if self.all.contains(&child()) => Some(self.path.iter().chain(&path).cloned().collect()),
            _ => None,
        }
    }
}

/// The paths of a `use`, each with the name that it is given.
fn leaves(tokens: &[TokenTree], before: &[String]) -> Vec<(Path, String)> {
    let (mut path, next) = match tokens.first() {
        Some(TokenTree::Ident(_)) => path(tokens, 0),
        _ => (Path::new(), 0),
    };
    path.splice(0..0, before.iter().cloned());
    let braces = tokens[next..].iter().find_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream().into_iter().collect::<Vec<_>>()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    });
    if let Some(inside) = braces {
        return inside
            .split(|token| is_mark(token, ','))
            .filter(|part| !part.is_empty())
            .flat_map(|part| leaves(part, &path))
            .collect();
    }
    if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
        path.pop();
    }
    let alias = match tokens.last() {
        Some(TokenTree::Ident(name)) if tokens.len() > next => Some(name.to_string()),
        _ => None,
    };
    let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
    if path.is_empty() { Vec::new() } else { vec![(path, name)] }
}

/// The path that begins at a word, and where the tokens go on.
fn path(tokens: &[TokenTree], mut at: usize) -> (Path, usize) {
    let mut path = Path::new();
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        let colons = [at, at + 1].map(|at| tokens.get(at).is_some_and(|token| is_mark(token, ':')));
        if colons != [true, true] {
            break;
        }
        at += 2;
    }
    (path, at)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether an attribute is `cfg(test)`.
fn is_test(attribute: Option<&TokenTree>) -> bool {
    attribute.is_some_and(|token| token.to_string().replace(' ', "") == "[cfg(test)]")
}

/// Where the item that begins here has ended.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| {
        is_mark(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    (from..tokens.len()).find(|at| is_end(&tokens[*at])).map_or(tokens.len(), |end| end + 1)
}
