// Records what Go's html/template makes of templates in every context: test/golden/notify/html-templates.json.
//
//	go run test/differential/record-html-templates.go < test/golden/notify/html-templates.txt > test/golden/notify/html-templates.json
package main

import (
	"bufio"
	"encoding/json"
	"html/template"
	"os"
	"strings"
)

type result struct {
	Template string `json:"template"`
	Output   string `json:"output"`
	Error    string `json:"error"`
}

func main() {
	data := map[string]any{
		"T": `O'Reilly & <b>"x"</b> +1`, "H": `<i class="a">it</i> & <br>`, "U": `javascript:alert(1)`, "V": `https://x.example/ä?a=b c&d='"<>#f`,
		"N": 42, "F": 1.5, "B": true, "L": []any{"a</script>", 1, true}, "M": map[string]any{"k": "</script><!--", "z": "\u2028"}, "E": "", "S": `red; x: y`,
		"C": `#ff0000`, "P": `50%`, "X": `expression(alert(1))`, "A": `onclick`, "W": `title`, "Q": "a`b${c}\\d\ne/f", "R": `^[a-z]+$`, "I": `a.png 1x, javascript:x 2x, b.png`, "Y": nil,
	}
	out := []result{}
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		text := strings.ReplaceAll(scanner.Text(), `\n`, "\n")
		if text == "" || strings.HasPrefix(text, "# ") {
			continue
		}
		funcs := template.FuncMap{
			"safeHtml": func(s string) template.HTML { return template.HTML(s) }, "safeUrl": func(s string) template.URL { return template.URL(s) },
			"toUpper": strings.ToUpper, "toJson": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		}
		var b strings.Builder
		t, err := template.New("t").Option("missingkey=zero").Funcs(funcs).Parse(text)
		if err == nil {
			err = t.Execute(&b, data)
		}
		r := result{Template: text, Output: b.String()}
		if err != nil {
			r = result{Template: text, Error: err.Error()}
		}
		out = append(out, r)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}
