//! Input and output, line by line.

use super::lowered;

#[test]
fn explore() {
    let lines = super::LINES;
    for line in lines {
        println!("{line}");
        match super::super::lower(line, None, &super::Sample, &[]) {
            Ok(l) => {
                println!("  => {}", l.text);
                if let Err(e) = super::engine().compile(&l.text) {
                    println!("  !! {e}");
                }
                if l.text.matches('\n').count() != line.matches('\n').count() { println!("  !! LINES"); }
            }
            Err(e) => println!("  EE {e:?}"),
        }
    }
    let _ = lowered;
}
