//! The lowered text does what the line says, on an engine with the smallest meaning of each reserved function.

use std::sync::{Arc, Mutex};

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::lowered;

type Run<T> = Result<T, Box<EvalAltResult>>;

/// Runs a text: what went to the stream, then its value.
fn run(source: &str) -> Vec<String> {
    let stream = Arc::new(Mutex::new(Vec::new()));
    let engine = meaning(&stream);
    let value = engine.eval::<Dynamic>(&lowered(source).text);
    let mut shown = stream.lock().expect("no run panicked").clone();
    match value {
        Ok(value) => shown.extend(flat(value).iter().map(text)),
        Err(error) => panic!("{error}\n{source}\n{}", lowered(source).text),
    }
    shown
}

fn meaning(stream: &Arc<Mutex<Vec<String>>>) -> Engine {
    let mut engine = Engine::new();
    engine.set_max_expr_depths(256, 256);
    let sink = Arc::clone(stream);
    engine.register_fn("__emit", move |value: Dynamic| {
        sink.lock().expect("no run panicked").extend(flat(value).iter().map(text));
    });
    engine.register_fn("__collect", |value: Dynamic| match flat(value) {
        mut one if one.len() == 1 => one.remove(0),
        none if none.is_empty() => Dynamic::UNIT,
        many => many.into(),
    });
    engine.register_fn("__cmd", |verb: &str, _site: i64, positional: Array, named: Map| {
        command(verb, &positional, &named)
    });
    engine.register_fn("__pipe", pipe);
    engine.register_fn("__each", flat);
    engine.register_fn("__array", flat);
    engine.register_fn("__concat", |items: Array| items.into_iter().flat_map(flat).collect::<Array>());
    engine.register_fn("__true", |value: Dynamic| truth(&value));
    engine.register_fn("__eq", |a: Dynamic, b: Dynamic| text(&a).eq_ignore_ascii_case(&text(&b)));
    engine.register_fn("__ceq", |a: Dynamic, b: Dynamic| text(&a) == text(&b));
    engine.register_fn("__gt", |a: i64, b: i64| a > b);
    engine.register_fn("__lt", |a: i64, b: i64| a < b);
    engine.register_fn("__in", |a: Dynamic, list: Array| list.iter().any(|item| text(item) == text(&a)));
    engine.register_fn("__join", |list: Array, between: &str| list.iter().map(text).collect::<Vec<_>>().join(between));
    engine.register_fn("__expand", |parts: Array| parts.iter().map(text).collect::<String>());
    engine
}

/// Every command passes its values on; `Get-X` alone gives 1, 2, 3, and `Set-CsCertificate` fails.
fn command(verb: &str, positional: &Array, named: &Map) -> Run<Array> {
    match verb {
        "Set-CsCertificate" => Err("NotBound".into()),
        "Get-X" if positional.is_empty() && named.is_empty() => Ok((1..=3_i64).map(Dynamic::from).collect()),
        _ => {
            let splatted = named.get("@").cloned().map(flat).unwrap_or_default();
            let splatted = splatted.into_iter().filter_map(Dynamic::try_cast::<Map>).flat_map(Map::into_values);
            let own = named.iter().filter(|(name, _)| *name != "@").map(|(_, value)| value.clone());
            Ok(positional.iter().cloned().chain(own).chain(splatted).flat_map(flat).collect())
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "Rhai hands a native function its arguments by value")]
fn pipe(
    context: NativeCallContext,
    from: Dynamic,
    verb: &str,
    _site: i64,
    positional: Array,
    _named: Map,
) -> Run<Array> {
    let block = positional.first().cloned().and_then(Dynamic::try_cast::<FnPtr>);
    let mut out = Array::new();
    for item in flat(from) {
        match (&block, verb) {
            (Some(block), "Where-Object") => {
                let kept: Dynamic = block.call_within_context(&context, (item.clone(),))?;
                if truth(&kept) {
                    out.push(item);
                }
            }
            (Some(block), _) => out.extend(flat(block.call_within_context(&context, (item,))?)),
            (None, _) => out.push(item),
        }
    }
    Ok(out)
}

fn flat(value: Dynamic) -> Array {
    if value.is_unit() {
        return Array::new();
    }
    match value.clone().try_cast::<std::ops::RangeInclusive<i64>>() {
        Some(range) => range.map(Dynamic::from).collect(),
        None => value.clone().try_cast::<Array>().unwrap_or_else(|| vec![value]),
    }
}

fn truth(value: &Dynamic) -> bool {
    value.as_bool().unwrap_or_else(|_| !matches!(text(value).as_str(), "" | "0" | "[]"))
}

fn text(value: &Dynamic) -> String {
    value.to_string()
}

#[test]
fn lines_do_what_they_say() {
    for (source, shown) in [
        ("Get-X", "1 2 3"),
        ("Get-X\n\"end\"", "1 2 3 end"),
        ("Get-X | ? { $_ -gt 1 } | % { $_ * 2 }", "4 6"),
        ("Get-X | Where-Object |c| c < 3 | ForEach-Object |c| c + 10", "11 12"),
        ("$n = 0\nGet-X | % { $n += $_ }\n$n", "6"),
        (
            "$a = 1\nGet-X | % { $b = $_; Get-X | % { $c = $_; Get-X | ? { $_ -eq $b -and $b -eq $c } | % { \"$a$b$c$_\" } } }",
            "1111 1222 1333",
        ),
        ("foreach ($i in 1..3) { Write-Output \"<$i>\" }\n'done'", "<1> <2> <3> done"),
        ("foreach ($i in Get-X) { $i }", "1 2 3"),
        ("for i in Get-X { print(i); }", ""),
        ("try { Set-CsCertificate -Type A } catch { Write-Output \"caught $_\" }\n5", "caught NotBound 5"),
        ("if (Get-X) { 'some' } else { 'none' }", "some"),
        ("if ($null) { 'some' } elseif ('') { 'text' } else { 'none' }", "none"),
        ("$x = Get-X | % { $_ } | ? { $_ -in 1,3 }\n$x.len()", "2"),
        ("$x = @(Get-X; 'a','b')\n$x -join '-'", "1-2-3-a-b"),
        ("$p = @{ A = 'x','y' }\nWrite-Output @p", "x y"),
        ("$b = { \"got $_\" }\nGet-X | % $b", "got 1 got 2 got 3"),
        ("fn f() { Get-X; Write-Output a }\nf()", "1 2 3 a"),
        ("let f = |x| Write-Output $x; f.call(7)", "7"),
        ("let v = switch 2 { 1 => Get-X, _ => Write-Output b }; v", "b"),
        ("$i = 0\nwhile ($i -lt 3) { $i++; $i }", "1 2 3"),
        ("$default = 1; $x = $default + 1; \"$default $x\" | % { $_ }", "1 2"),
        ("$x = 1; $x; Write-Output $x -InputObject 2; if ($x -eq 1 -or Nothing::f()) { $x }", "1 1 2 1"),
        ("false && Set-CsCertificate -Type A", "false"),
    ] {
        assert_eq!(run(source).join(" "), shown, "{source}\n{}", lowered(source).text);
    }
}
