//! Lists of words in a source file, found by the tokens around them.

use crate::crate_tree::read;
use crate::lexemes;
use crate::names::without_attributes;

/// The lexemes of one file, without attributes and documentation.
pub(crate) struct SourceFile(Vec<String>);

impl SourceFile {
    pub(crate) fn read(path: &str) -> Self {
        Self::parse(&read(path).expect("the file exists"))
    }

    fn parse(text: &str) -> Self {
        let tokens = text.parse().expect("the file is Rust");
        let lexemes = without_attributes(&lexemes::list(tokens));
        // Unit tests are the last item of a file.
        let tests = lexemes.windows(2).position(|pair| pair == ["mod", "tests"]);
        Self(lexemes.into_iter().take(tests.unwrap_or(usize::MAX)).collect())
    }

    /// Returns what follows each occurrence of these lexemes: everything up to the end of the item, of the call or of the
    /// block.
    pub(crate) fn after(&self, start: &str) -> Vec<&[String]> {
        let start: Vec<&str> = start.split(' ').collect();
        let found = self.0.windows(start.len()).enumerate().filter(|(_, window)| *window == start);
        found.map(|(index, _)| up_to_end(self.0.get(index + start.len()..).unwrap_or_default())).collect()
    }

    /// Returns the literal right behind each occurrence of these lexemes.
    pub(crate) fn words_after(&self, start: &str) -> Vec<String> {
        let first = self.after(start).into_iter().filter_map(|rest| rest.first());
        first.filter_map(|lexeme| literal(lexeme)).collect()
    }

    /// Returns all literals that follow these lexemes. Panics if there are none.
    pub(crate) fn words_in(&self, start: &str) -> Vec<String> {
        let words: Vec<_> =
            self.after(start).into_iter().flatten().filter_map(|lexeme| literal(lexeme)).collect();
        assert!(!words.is_empty(), "no words follow `{start}`");
        words
    }

    /// Returns the literals of the file in front of `=>` or `|`: the patterns of a `match`.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let pairs = self.0.windows(2).filter(|pair| matches!(pair, [_, next] if next == "=>" || next == "|"));
        pairs.filter_map(|pair| literal(pair.first()?)).filter(|word| !word.is_empty()).collect()
    }

    /// Returns all literals of the file that begin like this.
    pub(crate) fn words_with(&self, start: &str) -> Vec<String> {
        let words = self.0.iter().filter_map(|lexeme| literal(lexeme));
        words.filter(|word| word.starts_with(start)).collect()
    }
}

/// Returns the text of a string literal.
pub(crate) fn literal(lexeme: &str) -> Option<String> {
    syn::parse_str::<syn::LitStr>(lexeme).ok().map(|literal| literal.value())
}

/// Returns the parts between commas that are in no parentheses.
pub(crate) fn parts(lexemes: &[String]) -> Vec<&[String]> {
    let mut depth = 0_i32;
    let split = lexemes.split(|lexeme| {
        depth += step(lexeme);
        depth == 0 && lexeme == ","
    });
    split.filter(|part| !part.is_empty()).collect()
}

fn up_to_end(lexemes: &[String]) -> &[String] {
    let mut depth = 0;
    let end = lexemes.iter().position(|lexeme| {
        depth += step(lexeme);
        depth < 0 || depth == 0 && matches!(lexeme.as_str(), ";" | "}")
    });
    lexemes.get(..end.unwrap_or(lexemes.len())).unwrap_or_default()
}

fn step(lexeme: &str) -> i32 {
    match lexeme {
        "(" | "[" | "{" => 1,
        ")" | "]" | "}" => -1,
        _ => 0,
    }
}

#[test]
fn words_are_found_by_the_lexemes_around_them() {
    let file = SourceFile::parse(
        "const A: [&str; 2] = [\"a\", \"b\"]; fn f(x: &str) -> u8 { match x { \"c\" | \"d\" => 1, _ => g(\"e\") } } \
         fn g() { route(\"/f\", get(x)); } mod tests { fn f() { \"z\" => 1 } }",
    );
    assert_eq!(file.words_in("const A"), ["a", "b"]);
    assert_eq!(file.words_in("fn f"), ["c", "d", "e"]);
    assert_eq!(file.words_after("route ("), ["/f"]);
    assert_eq!(file.patterns(), ["c", "d"]);
    let route = file.after("route (");
    assert_eq!(parts(route.first().unwrap()).len(), 2);
}
