(* Multicoloured clique -> Lipschitz constant, one input per colour. In words: clique.md, "Checked by a machine". *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Regions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Steps.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).

Lemma relu_pos (z : R) : 0 <= z -> relu z = z.
Proof. by move=> z0; rewrite /relu /bend z0 mul1r. Qed.

Lemma relu_neg (z : R) : z <= 0 -> relu z = 0.
Proof. by move=> z0; rewrite /relu (@bend_on_side _ 0 1 false) ?mul0r. Qed.

(* s(t; a, e), as a function of h = t - a: slope 1 between - e and e, constant elsewhere. *)
Definition step (e h : R) : R := relu (h + e) - relu (h - e).

(* On a segment without a bend inside, the middle tells whether the step is on. *)
Lemma step_piece (e p b c d m : R) : 0 <= e -> c < m < d ->
  ~~ (c < - (p + e) / b < d) -> ~~ (c < - (p - e) / b < d) ->
  step e (p + d * b) - step e (p + c * b) = if `|p + m * b| < e then (d - c) * b else 0.
Proof.
move=> e0 cmd up down; have /andP[cm md] := cmd; have cd := lt_trans cm md.
have both (s : bool) q : ~~ (c < - q / b < d) -> on_side s (q + m * b) ->
    relu (q + d * b) - relu (q + c * b) = if s then (d - c) * b else 0.
  move=> root side.
  have at_ t : c <= t <= d -> on_side s (q + t * b) by apply: side_between side cmd root.
  have sd := at_ d; have sc := at_ c; move: sd sc; rewrite !lexx (ltW cd) => /(_ isT) sd /(_ isT) sc.
  rewrite /relu (bend_on_side _ _ sd) (bend_on_side _ _ sc).
  by case: (s); mc_ring R.
have -> : step e (p + d * b) - step e (p + c * b) =
    (relu (p + e + d * b) - relu (p + e + c * b)) - (relu (p - e + d * b) - relu (p - e + c * b)).
  by rewrite /step ![p + _ * b + _]addrAC; mc_ring R.
rewrite ltr_norml; have [low|low] := leP (p + m * b) (- e).
  rewrite (both false) ?(both false) // /on_side ?subr0 //.
    by rewrite addrAC subr_le0 (le_trans low) // ge0_cp.
  by rewrite addrAC -[e]opprK subr_le0.
rewrite (both true (p + e)) //; last by rewrite /on_side addrAC -[e]opprK subr_ge0 ltW.
have [high|high] := ltP (p + m * b) e.
  by rewrite (both false) ?subr0 // /on_side addrAC subr_le0 ltW.
by rewrite (both true) ?subrr // /on_side addrAC subr_ge0.
Qed.

Lemma step_inside (e h s : R) : - e <= h -> h + s <= e -> 0 <= s -> step e (h + s) - step e h = s.
Proof.
move=> lo hi s0; rewrite /step (relu_pos (z := h + s + e)) ?(relu_pos (z := h + e)).
- rewrite !relu_neg ?subr_le0 //; first by mc_ring R.
  by apply: le_trans hi; rewrite ler_addl.
- by rewrite -[e]opprK subr_ge0.
by rewrite -[X in _ + X]opprK subr_ge0 (le_trans lo) // ler_addl.
Qed.

Lemma step_above (e h s : R) : 0 <= e -> e <= h -> 0 <= s -> step e (h + s) - step e h = 0.
Proof.
move=> e0 eh s0; have h0 := le_trans e0 eh; have ehs : e <= h + s by rewrite (le_trans eh) // ler_addl.
rewrite /step !relu_pos ?subr_ge0 //; first by mc_ring R.
  exact: addr_ge0.
by apply: addr_ge0 => //; apply: addr_ge0.
Qed.

Lemma step_below (e h s : R) : 0 <= e -> h + s <= - e -> 0 <= s -> step e (h + s) - step e h = 0.
Proof.
move=> e0 hs s0; have h_e : h <= - e by rewrite (le_trans _ hs) // ler_addl.
have ne : - e <= e by rewrite (le_trans (y := 0)) // oppr_le0.
by rewrite /step !relu_neg ?subrr // ?subr_le0 ?(le_trans h_e) ?(le_trans hs) // -[X in _ + X]opprK subr_le0.
Qed.

(* Different integers are at least 1 apart. *)
Lemma nat_close (a b : nat) : `|a%:R - b%:R : R| < 1 -> a = b.
Proof.
wlog ab : a b / (a <= b)%N => [main|].
  have [/main//|ba] := leqP a b; rewrite distrC => /main e; symmetry; exact: e (ltnW ba).
rewrite distrC -natrB // normr_nat -[1]/(1%:R) ltr_nat ltnS leqn0 subn_eq0 => ba.
by apply/eqP; rewrite eqn_leq ab.
Qed.

Lemma code_div (a b n : nat) : (a < n)%N -> ((a + n * b) %/ n)%N = b.
Proof. by move=> an; rewrite addnC mulnC divnMDl ?divn_small ?addn0 // (leq_ltn_trans _ an). Qed.

Lemma sum_unique (I : finType) (P : pred I) (on : I -> bool) :
  (forall i j, P i -> P j -> on i -> on j -> i = j) ->
  \sum_(i | P i) (on i)%:R = [exists i, P i && on i]%:R :> R.
Proof.
move=> uniq; have [/existsP[i /andP[Pi oni]]|none] := boolP [exists i, P i && on i].
  rewrite (bigD1 i) //= oni big1 ?addr0 // => j /andP[Pj ji].
  by case onj: (on j) => //; rewrite (uniq j i) ?eqxx in ji.
rewrite big1 // => i Pi; case oni: (on i) => //; case/negP: none.
by apply/existsP; exists i; rewrite Pi.
Qed.

End Steps.

Section Cliques.
Variable R : realFieldType.
Add Ring Rring2 : (ring_laws R).

(* k colours, each with some of N vertices; E c u d v, for colours c < d: an edge joins u of colour c and v of colour d. *)
Variables (k N : nat) (V : 'I_k -> pred 'I_N) (E : 'I_k -> 'I_N -> 'I_k -> 'I_N -> bool) (eps : R).
Hypothesis edges_between_vertices : forall c u d v, E c u d v -> V c u && V d v.

Definition number (v : 'I_N) : R := v.+1%:R.
Definition M : R := N.+1%:R.
Definition quarter : R := 4%:R^-1.
Hypotheses (eps0 : 0 < eps) (eps_small : eps * (1 + M) <= quarter).

Definition colour_term c v (x : 'cV[R]_k) : R := step eps (x c 0 - number v).
Definition pair_term c u d v (x : 'cV[R]_k) : R := step quarter (x c 0 + M * x d 0 - (number u + M * number v)).

Definition clique_function (x : 'cV[R]_k) : R :=
  \sum_c \sum_(v | V c v) colour_term c v x +
  \sum_(c < k) \sum_(d < k | (c < d)%N) \sum_u \sum_(v | E c u d v) pair_term c u d v x.

(* One vertex of each colour, any two joined. *)
Definition rainbow_clique (z : 'I_k -> 'I_N) : Prop :=
  (forall c, V c (z c)) /\ forall c d : 'I_k, (c < d)%N -> E c (z c) d (z d).

Definition pairs : R := \sum_(c < k) \sum_(d < k | (c < d)%N) 1.
Definition threshold : R := k%:R + (1 + M) * pairs.

Lemma M0 : 0 < M. Proof. by rewrite ltr0n. Qed.
Lemma quarter0 : 0 < quarter. Proof. by rewrite invr_gt0 ltr0n. Qed.
Lemma quarters : quarter + quarter + (quarter + quarter) = 1.
Proof. by rewrite -!mulr2n -mulrnA -mulr_natr mulVf // pnatr_eq0. Qed.
Lemma eps_quarter : eps <= quarter.
Proof. by apply: le_trans eps_small; rewrite ler_pmulr // ler_addl ltW ?M0. Qed.
Lemma half_quarters : quarter + quarter < 1.
Proof. by rewrite -quarters ltr_addl addr_gt0 ?quarter0. Qed.

Lemma number_inj u v : `|number u - number v| < 1 -> u = v.
Proof. by move/nat_close => [uv]; apply: val_inj. Qed.

(* The numbers u + M v are distinct. *)
Lemma code_inj u v u' v' : `|number u + M * number v - (number u' + M * number v')| < 1 -> u = u' /\ v = v'.
Proof.
have code (a b : 'I_N) : number a + M * number b = (a.+1 + N.+1 * b.+1)%:R by rewrite natrD natrM.
rewrite !code => /nat_close; clear code.
have small (a : 'I_N) : (a.+1 < N.+1)%N by rewrite ltnS.
move: (small u) (small u'); move: (N.+1) => n un un' e; have := congr1 (divn^~ n) e; rewrite !code_div // => -[vv].
have vv' : v = v' by apply: val_inj.
by split=> //; move: e; rewrite vv' => /addIn[] /val_inj.
Qed.

(* What is on at a point. *)
Definition colour_on (x : 'cV[R]_k) c v := `|x c 0 - number v| < eps.
Definition pair_on (x : 'cV[R]_k) c u d v := `|x c 0 + M * x d 0 - (number u + M * number v)| < quarter.

Definition on_count (x : 'cV[R]_k) : R :=
  \sum_c [exists v, V c v && colour_on x c v]%:R +
  (1 + M) * \sum_(c < k) \sum_(d < k | (c < d)%N) [exists u, exists v, E c u d v && pair_on x c u d v]%:R.

Lemma on_sum x : on_count x =
  \sum_c \sum_(v | V c v) (colour_on x c v)%:R +
  (1 + M) * \sum_(c < k) \sum_(d < k | (c < d)%N) \sum_u \sum_(v | E c u d v) (pair_on x c u d v)%:R.
Proof.
congr (_ + _ * _); apply: eq_bigr => c _.
  rewrite sum_unique // => v w _ _ xv xw; apply: number_inj.
  have -> : number v - number w = (x c 0 - number w) - (x c 0 - number v) by mc_ring R.
  rewrite (le_lt_trans (ler_norm_sub _ _)) // (lt_trans _ half_quarters) //.
  by rewrite ltr_add // (lt_le_trans _ eps_quarter).
apply: eq_bigr => d _.
have same u v u' v' : pair_on x c u d v -> pair_on x c u' d v' -> u = u' /\ v = v'.
  move=> xu xu'; apply: code_inj.
  have -> : number u + M * number v - (number u' + M * number v') =
    (x c 0 + M * x d 0 - (number u' + M * number v')) - (x c 0 + M * x d 0 - (number u + M * number v)) by mc_ring R.
  by rewrite (le_lt_trans (ler_norm_sub _ _)) // (lt_trans _ half_quarters) // ltr_add.
have inner u : \sum_(v | E c u d v) (pair_on x c u d v)%:R = [exists v, E c u d v && pair_on x c u d v]%:R :> R.
  by rewrite sum_unique // => v w _ _ xv xw; case: (same _ _ _ _ xv xw).
rewrite (eq_bigr _ (fun u _ => inner u)) sum_unique //= => u w _ _ /existsP[v /andP[_ xv]] /existsP[v' /andP[_ xv']].
by case: (same _ _ _ _ xv xv').
Qed.


Lemma count_le x : on_count x <= threshold.
Proof.
have b1 (b : bool) : b%:R <= 1 :> R by rewrite lern1 leq_b1.
apply: ler_add.
  apply: le_trans (ler_sum _ (fun c _ => b1 _)) _.
  by rewrite sumr_const card_ord.
rewrite ler_wpmul2l ?addr_ge0 ?ler01 ?(ltW M0) //.
by apply: ler_sum => c _; apply: ler_sum => d _; apply: b1.
Qed.

(* When all is on there is a clique; otherwise at least 1 is missing. *)
Lemma count_gap x : (forall z, ~ rainbow_clique z) -> on_count x <= threshold - 1.
Proof.
move=> no_clique; have b1 (b : bool) : b%:R <= 1 :> R by rewrite lern1 leq_b1.
have sum1 (I : finType) (P : pred I) (b : I -> bool) i : P i -> ~~ b i ->
    \sum_(j | P j) (b j)%:R <= \sum_(j | P j) 1 - 1 :> R.
  move=> Pi bi; rewrite (bigD1 i) // [X in _ <= X - 1](bigD1 i) //= (negbTE bi) add0r addrC addKr.
  exact: ler_sum.
have pairs1 : \sum_(c < k) \sum_(d < k | (c < d)%N) [exists u, exists v, E c u d v && pair_on x c u d v]%:R <= pairs.
  by apply: ler_sum => c _; apply: ler_sum => d _; apply: b1.
have M1 : 0 <= 1 + M by rewrite addr_ge0 ?ler01 ?(ltW M0).
have [all_c|] := boolP [forall c, [exists v, V c v && colour_on x c v]]; last first.
  rewrite negb_forall => /existsP[c off]; rewrite /threshold addrAC; apply: ler_add; last by rewrite ler_wpmul2l.
  by apply: le_trans (sum1 _ predT _ c isT off) _; rewrite sumr_const card_ord.
have colours1 : \sum_(c < k) [exists v, V c v && colour_on x c v]%:R <= k%:R :> R.
  by apply: le_trans (ler_sum _ (fun c _ => b1 _)) _; rewrite sumr_const card_ord.
have [all_p|] := boolP [forall c : 'I_k, [forall d : 'I_k, (c < d)%N ==>
    [exists u, exists v, E c u d v && pair_on x c u d v]]]; last first.
  rewrite negb_forall => /existsP[c]; rewrite negb_forall => /existsP[d]; rewrite negb_imply => /andP[cd off].
  rewrite /threshold -addrA; apply: ler_add => //.
  apply: le_trans (_ : (1 + M) * (pairs - 1) <= _); last first.
    by rewrite mulrBr mulr1 ler_add2l ler_opp2 ler_addl ltW ?M0.
  rewrite ler_wpmul2l // /pairs (bigD1 c) // [X in _ <= X - 1](bigD1 c) //= addrAC; apply: ler_add.
    exact: (sum1 _ (fun d : 'I_k => (c < d)%N)
      (fun d => [exists u, exists v, E c u d v && pair_on x c u d v]) d cd off).
  by apply: ler_sum => c' _; apply: ler_sum => d' _; apply: b1.
have pick_c c : exists v, V c v && colour_on x c v by apply/existsP; move/forallP: all_c.
have /fin_all_exists[z zP] := pick_c.
case: (no_clique z); split=> [c|c d cd]; first by case/andP: (zP c).
have /existsP[u /existsP[v /andP[euv onuv]]] : [exists u, exists v, E c u d v && pair_on x c u d v].
  by move/forallP: all_p => /(_ c)/forallP/(_ d)/implyP/(_ cd).
suff [<- <-] : u = z c /\ v = z d by [].
have /andP[_ zc] := zP c; have /andP[_ zd] := zP d.
apply: code_inj.
have -> : number u + M * number v - (number (z c) + M * number (z d)) =
  (x c 0 - number (z c)) + M * (x d 0 - number (z d)) - (x c 0 + M * x d 0 - (number u + M * number v)) by mc_ring R.
rewrite (le_lt_trans (ler_norm_sub _ _)) // (lt_trans _ half_quarters) //.
apply: ler_lt_add => //; apply: le_trans (ler_norm_add _ _) _; apply: le_trans eps_small.
rewrite normrM (gtr0_norm M0) mulrDr mulr1 [eps * M]mulrC; apply: ler_add; first exact: ltW.
by rewrite ler_pmul2l ?M0 // ltW.
Qed.


Definition colour_breaks (y d : 'cV[R]_k) s : seq R :=
  [seq - (y cv.1 0 - number cv.2 + s) / d cv.1 0 | cv <- enum (prod_finType (ordinal_finType k) (ordinal_finType N))].

Definition pair_breaks (y w : 'cV[R]_k) s : seq R :=
  [seq - (y q.1.1 0 + M * y q.1.2 0 - (number q.2.1 + M * number q.2.2) + s) / (w q.1.1 0 + M * w q.1.2 0)
  | q <- enum (prod_finType (prod_finType (ordinal_finType k) (ordinal_finType k))
                            (prod_finType (ordinal_finType N) (ordinal_finType N)))].

Lemma lipschitz_by_count B : (forall x, on_count x <= B) ->
  forall x y, `|clique_function x - clique_function y| <= B * linf (x - y).
Proof.
move=> count x y; pose w := x - y; pose g t := clique_function (y + t *: w).
pose claim a b := `|g b - g a| <= (b - a) * (B * linf w).
suff all a b : a < b -> claim a b.
  by have := all 0 1 ltr01; rewrite /claim /g scale1r scale0r addr0 subr0 mul1r /w [y + _]addrC subrK.
pose breaks := (colour_breaks y w eps ++ colour_breaks y w (- eps)) ++
               (pair_breaks y w quarter ++ pair_breaks y w (- quarter)).
apply: (breakpoints (breaks := breaks) (Q := claim)) a b => [a c b /andP[ac cb] ha hb|a b ab none]; rewrite /claim.
  have -> : g b - g a = (g b - g c) + (g c - g a) by rewrite addrA subrK.
  have -> : (b - a) * (B * linf w) = (b - c) * (B * linf w) + (c - a) * (B * linf w) by mc_ring R.
  by apply: le_trans (ler_norm_add _ _) _; apply: ler_add.
pose mid := (a + b) / 2%:R; pose z := y + mid *: w.
have inside : a < mid < b by rewrite /mid !midf_lt.
have entry t (c : 'I_k) : (y + t *: w) c 0 = y c 0 + t * w c 0 by rewrite 2!mxE.
have colour_diff c v : colour_term c v (y + b *: w) - colour_term c v (y + a *: w) =
    (colour_on z c v)%:R * ((b - a) * w c 0).
  have shape t : y c 0 + t * w c 0 - number v = y c 0 - number v + t * w c 0 by mc_ring R.
  rewrite /colour_term /colour_on /z !entry !shape (step_piece (ltW eps0) inside).
  - by case: ifP; rewrite ?mul1r ?mul0r.
  - apply: none; rewrite !mem_cat; apply/orP; left; apply/orP; left.
    by apply/mapP; exists (c, v); rewrite ?mem_enum.
  apply: none; rewrite !mem_cat; apply/orP; left; apply/orP; right.
  by apply/mapP; exists (c, v); rewrite ?mem_enum.
have pair_diff c u d v : pair_term c u d v (y + b *: w) - pair_term c u d v (y + a *: w) =
    (pair_on z c u d v)%:R * ((b - a) * (w c 0 + M * w d 0)).
  have shape t : y c 0 + t * w c 0 + M * (y d 0 + t * w d 0) - (number u + M * number v) =
      y c 0 + M * y d 0 - (number u + M * number v) + t * (w c 0 + M * w d 0) by mc_ring R.
  rewrite /pair_term /pair_on /z !entry !shape (step_piece (ltW quarter0) inside).
  - by case: ifP; rewrite ?mul1r ?mul0r.
  - apply: none; rewrite !mem_cat; apply/orP; right; apply/orP; left.
    by apply/mapP; exists ((c, d), (u, v)); rewrite ?mem_enum.
  apply: none; rewrite !mem_cat; apply/orP; right; apply/orP; right.
  by apply/mapP; exists ((c, d), (u, v)); rewrite ?mem_enum.
have ba : 0 <= b - a by rewrite subr_ge0 ltW.
have w_le c : `|w c 0| <= linf w by apply: linf_ge.
have on_le (o : bool) q r : `|q| <= r -> `|o%:R * q| <= o%:R * r by move=> qr; rewrite normrM normr_nat ler_wpmul2l.
apply: le_trans (_ : (b - a) * (on_count z * linf w) <= _); last first.
  by rewrite ler_wpmul2l // ler_wpmul2r ?linf_ge0.
have -> : (b - a) * (on_count z * linf w) =
    \sum_c \sum_(v | V c v) (colour_on z c v)%:R * ((b - a) * linf w) +
    \sum_(c < k) \sum_(d < k | (c < d)%N) \sum_u \sum_(v | E c u d v)
      (pair_on z c u d v)%:R * ((b - a) * ((1 + M) * linf w)).
  rewrite on_sum mulrDl mulrDr; congr (_ + _).
    by rewrite mulrCA mulr_suml; apply: eq_bigr => c _; rewrite mulr_suml.
  rewrite [(1 + M) * _]mulrC -mulrA mulrCA mulr_suml; apply: eq_bigr => c _; rewrite mulr_suml; apply: eq_bigr => d _.
  by rewrite mulr_suml; apply: eq_bigr => u _; rewrite mulr_suml.
rewrite /g /clique_function opprD addrACA; apply: le_trans (ler_norm_add _ _) _; apply: ler_add.
  rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => c _.
  rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => v _.
  by rewrite colour_diff on_le // normrM ger0_norm // ler_wpmul2l.
rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => c _.
rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => d _.
rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => u _.
rewrite -sumrB; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => v _.
rewrite pair_diff on_le // normrM ger0_norm // ler_wpmul2l // mulrDl mul1r.
apply: le_trans (ler_norm_add _ _) _; apply: ler_add => //.
by rewrite normrM (gtr0_norm M0) ler_pmul2l ?M0.
Qed.

(* A clique makes the threshold the Lipschitz constant for the maximum norm ... *)
Theorem clique_reaches_threshold z L : (0 < k)%N -> rainbow_clique z ->
  (forall x y, `|clique_function x - clique_function y| <= L * linf (x - y)) -> threshold <= L.
Proof.
move=> k0 [zV zE] lip; pose x : 'cV[R]_k := \col_c number (z c); pose ones : 'cV[R]_k := const_mx 1.
have entry (c : 'I_k) : (x + eps *: ones) c 0 = number (z c) + eps by rewrite !mxE mulr1.
have entry0 (c : 'I_k) : x c 0 = number (z c) by rewrite mxE.
have linf1 : linf (eps *: ones) = eps.
  apply/eqP; rewrite eq_le; apply/andP; split.
    by apply: linf_le => [|c]; rewrite ?(ltW eps0) // !mxE mulr1 gtr0_norm.
  by apply: le_trans (linf_ge _ (Ordinal k0)); rewrite !mxE mulr1 gtr0_norm.
have apart (p q e s : R) : 0 <= s -> 0 < e -> e + s <= 1 -> 1 <= `|p - q| -> step e (p - q + s) - step e (p - q) = 0.
  move=> s0 e0 es; move: (p - q) => h; rewrite ler_normr => /orP[hi|lo].
    by apply: step_above => //; rewrite ?(ltW e0) // (le_trans _ hi) // (le_trans _ es) // ler_addl.
  apply: step_below => //; first exact: ltW.
  have := ler_add es lo; rewrite -subr_ge0.
  have -> : 1 - h - (e + s + 1) = - (h + s) - e by mc_ring R.
  by rewrite subr_ge0 ler_oppr.
have far (a b : nat) : (a != b) -> 1 <= `|a%:R - b%:R : R|.
  by move=> ab; rewrite leNgt; apply: contra ab => /nat_close->.
have e4 : eps <= quarter := eps_quarter; have q1 := half_quarters.
have colour_diff c v : V c v -> colour_term c v (x + eps *: ones) - colour_term c v x = if v == z c then eps else 0.
  move=> _; rewrite /colour_term entry entry0 addrAC; have [->|vz] := eqVneq v (z c).
    by rewrite subrr step_inside ?(ltW eps0) ?add0r // oppr_le0 ltW.
  rewrite apart ?(ltW eps0) //; first by rewrite (le_trans (ler_add e4 e4)) // ltW.
  by apply: far; rewrite eqSS eq_sym.
have sM : eps + M * eps = eps * (1 + M) by mc_ring R.
have sM0 : 0 <= eps * (1 + M) by rewrite mulr_ge0 ?addr_ge0 ?ler01 ?(ltW eps0) ?(ltW M0).
have pair_diff (c : 'I_k) u (d : 'I_k) v : pair_term c u d v (x + eps *: ones) - pair_term c u d v x =
    if (u == z c) && (v == z d) then eps * (1 + M) else 0.
  have shape (p q m : R) : p + eps + M * (q + eps) - m = p + M * q - m + eps * (1 + M) by mc_ring R.
  rewrite /pair_term !entry !entry0 shape; case: ifP => [/andP[/eqP-> /eqP->]|no].
    by rewrite subrr step_inside ?add0r // oppr_le0 ltW ?quarter0.
  apply: apart => //; first exact: quarter0; first by rewrite (le_trans (ler_add (lexx _) eps_small)) // ltW.
  rewrite leNgt; apply/negP => /code_inj[zu zv]; move: no; by rewrite -zu -zv !eqxx.
have := lip (x + eps *: ones) x; rewrite [x + _]addrC addrK linf1 [_ + x]addrC.
have -> : clique_function (x + eps *: ones) - clique_function x = threshold * eps.
  rewrite /clique_function opprD addrACA mulrDl; congr (_ + _).
    rewrite -sumrB mulr_natl -[X in _ *+ X]card_ord -sumr_const; apply: eq_bigr => c _; rewrite -sumrB.
    rewrite (eq_bigr (fun v => if v == z c then eps else 0)) => [|v]; last exact: colour_diff.
    by rewrite -big_mkcondr (bigD1 (z c)) ?zV ?eqxx //= big1 ?addr0 // => v /andP[/andP[_ /eqP->]]; rewrite eqxx.
  rewrite -sumrB mulrAC mulrC /pairs mulr_suml; apply: eq_bigr => c _.
  rewrite -sumrB mulr_suml; apply: eq_bigr => d cd; rewrite mul1r -sumrB.
  rewrite (bigD1 (z c)) //= [X in _ + X = _]big1 => [|u uz].
    rewrite addr0 -sumrB (bigD1 (z d)) ?zE //= big1 => [|v /andP[_ vz]]; last by rewrite pair_diff (negbTE vz) andbF.
    by rewrite pair_diff !eqxx addr0 mulrC.
  by rewrite -sumrB big1 // => v _; rewrite pair_diff (negbTE uz).
rewrite ger0_norm ?ler_pmul2r // mulr_ge0 ?(ltW eps0) // /threshold addr_ge0 ?ler0n // mulr_ge0 ?addr_ge0 ?ler01 ?(ltW M0) //.
by apply: sumr_ge0 => c _; apply: sumr_ge0 => d _; exact: ler01.
Qed.

(* ... and without one it is at most one less. *)
Theorem no_clique_misses_threshold : (forall z, ~ rainbow_clique z) ->
  forall x y, `|clique_function x - clique_function y| <= (threshold - 1) * linf (x - y).
Proof. by move=> none; apply: lipschitz_by_count => x; apply: count_gap. Qed.

Theorem threshold_bounds x y : `|clique_function x - clique_function y| <= threshold * linf (x - y).
Proof. exact: lipschitz_by_count count_le x y. Qed.

End Cliques.
