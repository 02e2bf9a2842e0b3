package original

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Times that the original needs between what is done and what is looked for.
var settling = regexp.MustCompile(`(?m)^\ttime\.Sleep\((\d+ \* time\.Millisecond)\)`)

// The original's own tests of the whole, with our gateway in place of its server, and no time for anything to settle.
func TestItsOwnSuites(t *testing.T) {
	ours, err := os.ReadFile("suite/stand_in_test.go")
	check(t, err)
	suites := 0
	for _, suite := range []string{"e2e", "security"} {
		from := filepath.Join(os.Getenv("ORIGINAL_SUITES"), suite)
		files, err := filepath.Glob(filepath.Join(from, "*_test.go"))
		check(t, err)
		if len(files) == 0 {
			// Older versions have none.
			continue
		}
		suites++
		t.Run(suite, func(t *testing.T) {
			g := startGateway(t, "")
			// Below this folder, so that it is of the same module.
			dir, err := os.MkdirTemp(".", "tmp-")
			check(t, err)
			defer os.RemoveAll(dir)
			for _, file := range files {
				text, err := os.ReadFile(file)
				check(t, err)
				if filepath.Base(file) == "main_test.go" {
					continue
				}
				text = settling.ReplaceAll(text, []byte("\t_ = $1"))
				check(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600))
			}
			ours := bytes.Replace(ours, []byte("\npackage suite\n"), []byte("\npackage "+suite+"\n"), 1)
			check(t, os.WriteFile(filepath.Join(dir, "stand_in_test.go"), ours, 0o600))
			runSuite(t, g, dir)
			if suite == "security" {
				for _, fuzz := range fuzzers(t, files) {
					runSuite(t, g, dir, "-run", "^$", "-fuzz", "^"+fuzz+"$", "-fuzztime", "5s")
				}
			}
		})
	}
	if suites == 0 {
		t.Skip("this version has none: ORIGINAL_SUITES may name the folder of one that does")
	}
}

func runSuite(t *testing.T, g *gateway, dir string, more ...string) {
	t.Helper()
	arguments := []string{"test", "-count", "1", "-v"}
	if file := os.Getenv("MODFILE"); file != "" {
		arguments = append(arguments, "-mod=mod", "-modfile", file)
	}
	arguments = append(append(arguments, more...), "./"+dir)
	suite := exec.Command("go", arguments...)
	suite.Env = append(os.Environ(), "EDGES="+g.edges, "SERVICES="+g.services)
	out, err := suite.CombinedOutput()
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "--- ") {
			t.Log(line)
		}
	}
	if err != nil {
		t.Fatalf("%s\n%s", err, out)
	}
}

func fuzzers(t *testing.T, files []string) (names []string) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		for _, found := range regexp.MustCompile(`(?m)^func (Fuzz\w+)`).FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
	}
	return names
}
