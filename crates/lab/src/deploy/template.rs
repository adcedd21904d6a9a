//! A SAM template as text, and its lines that refer to files.
//!
//! The template is not parsed as YAML: CloudFormation's short tags (`!Sub`) would not survive
//! being written again. Only the lines of `CodeUri` and `DefinitionUri` are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use super::DeployError;

/// A template's text, and what it refers to.
#[derive(Debug)]
pub(super) struct Template {
    lines: Vec<String>,
    /// The folder that its paths are relative to.
    pub(super) folder: PathBuf,
    pub(super) references: Vec<Reference>,
}

/// A line that refers to something on this machine.
#[derive(Debug, PartialEq)]
pub(super) struct Reference {
    /// Index of the line.
    pub(super) line: usize,
    pub(super) source: Source,
}

/// What is referred to.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// A function's program, by the name in `BuildProperties`.
    Binary(String),
    /// A state machine's definition, by its path.
    Definition(PathBuf),
}

/// A resource while its lines are read.
struct Resource {
    name: String,
    line: usize,
    kind: String,
    code: Option<usize>,
    binary: Option<String>,
}

impl Template {
    pub(super) fn read(path: &Path) -> Result<Self, DeployError> {
        let text = fs::read_to_string(path).map_err(|source| DeployError::File {
            what: "reading",
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(&text, folder).map_err(|(line, what)| DeployError::Template {
            path: path.to_owned(),
            line: line + 1,
            what,
        })
    }

    fn parse(text: &str, folder: PathBuf) -> Result<Self, (usize, String)> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut references = Vec::new();
        let mut resource: Option<Resource> = None;
        let mut in_resources = false;
        for (index, line) in lines.iter().enumerate() {
            let Some((indent, key, value)) = entry(line) else { continue };
            if indent == 0 {
                finish(resource.take(), &mut references)?;
                in_resources = key == "Resources";
            } else if in_resources && indent == 2 {
                finish(resource.take(), &mut references)?;
                let name = key.to_owned();
                resource = Some(Resource { name, line: index, kind: String::new(), code: None, binary: None });
            } else if let Some(resource) = &mut resource {
                match key {
                    "Type" if indent == 4 => value.clone_into(&mut resource.kind),
                    "CodeUri" if indent == 6 => resource.code = Some(index),
                    "Binary" => resource.binary = Some(value.to_owned()),
                    "DefinitionUri" if indent == 6 => {
                        references.push(Reference { line: index, source: Source::Definition(value.into()) });
                    }
                    _ => {}
                }
            }
        }
        finish(resource, &mut references)?;
        references.sort_by_key(|reference| reference.line);
        Ok(Self { lines, folder, references })
    }

    /// The text with the value of each referring line replaced by `place(line)`.
    pub(super) fn with_places(&self, place: impl Fn(usize) -> Option<String>) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            match (place(index), line.split_once(':')) {
                (Some(place), Some((key, _))) => text.extend([key, ": ", &place]),
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }
}

/// A mapping's line as indentation, key and value; none for comments, lists and the like.
fn entry(line: &str) -> Option<(usize, &str, &str)> {
    let trimmed = line.trim_start();
    if trimmed.starts_with(['#', '-']) {
        return None;
    }
    let (key, value) = trimmed.split_once(':')?;
    let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
    Some((line.len() - trimmed.len(), key, value))
}

fn finish(resource: Option<Resource>, references: &mut Vec<Reference>) -> Result<(), (usize, String)> {
    let Some(resource) = resource.filter(|resource| resource.kind == "AWS::Serverless::Function") else {
        return Ok(());
    };
    let missing = |what: &str| (resource.line, format!("{} has no {what}", resource.name));
    let line = resource.code.ok_or_else(|| missing("`CodeUri:` in its Properties"))?;
    let binary = resource.binary.ok_or_else(|| missing("`Metadata: BuildProperties: Binary:`, the program's name"))?;
    references.push(Reference { line, source: Source::Binary(binary) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Globals:
  Function:
    CodeUri: untouched
Resources:
  OpenRunFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties:
        Binary: open-run # the package
    Properties:
      CodeUri: ../
      Role: !GetAtt OpenRunRole.Arn
  # a comment: with a colon
  Failover:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: ../statemachines/failover.asl.json
Outputs:
  CodeUri:
    Value: !Sub \"${Failover}\"
";

    #[test]
    fn only_the_lines_that_refer_to_files_are_replaced() -> Result<(), (usize, String)> {
        let template = Template::parse(TEXT, PathBuf::new())?;
        assert_eq!(
            template.references,
            [
                Reference { line: 11, source: Source::Binary("open-run".to_owned()) },
                Reference { line: 17, source: Source::Definition("../statemachines/failover.asl.json".into()) },
            ]
        );
        let text = template.with_places(|line| matches!(line, 11 | 17).then(|| format!("s3://bucket/{line}")));
        let expected = TEXT
            .replace("CodeUri: ../", "CodeUri: s3://bucket/11")
            .replace("../statemachines/failover.asl.json", "s3://bucket/17");
        assert_eq!(text, expected);
        Ok(())
    }

    #[test]
    fn a_function_without_its_programs_name_is_refused_at_its_line() {
        let text = TEXT.replace("Binary", "Package");
        let refused = Template::parse(&text, PathBuf::new()).map(|_| ());
        assert!(matches!(refused, Err((4, what)) if what.contains("OpenRunFunction")));
    }
}
