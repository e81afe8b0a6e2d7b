(* The rule GRID of Checker.v. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators Terms NormChecks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Grid.
Variable R : rcfType.
Add Ring Rring : (ring_laws R).
Notation val := (@value R).

Definition multiple (g x : R) : Prop := exists k : int, x = k%:~R * g.

Lemma multiple0 g : multiple g 0.
Proof. by exists 0; rewrite mul0r. Qed.

Lemma multipleD g x y : multiple g x -> multiple g y -> multiple g (x + y).
Proof. by move=> [k ->] [l ->]; exists (k + l); rewrite rmorphD mulrDl. Qed.

Lemma multipleN g x : multiple g x -> multiple g (- x).
Proof. by move=> [k ->]; exists (- k); rewrite rmorphN mulNr. Qed.

Lemma multipleM g h x y : multiple g x -> multiple h y -> multiple (g * h) (x * y).
Proof. by move=> [k ->] [l ->]; exists (k * l); rewrite rmorphM mulrACA. Qed.

Lemma multiple_abs g x : multiple g x -> multiple g `|x|.
Proof. by move=> mx; case: (ger0P x) => _; [exact: mx | exact: multipleN]. Qed.

Lemma multiple_sum g (I : finType) (F : I -> R) : (forall i, multiple g (F i)) -> multiple g (\sum_i F i).
Proof. by move=> mF; elim/big_ind: _ => [|x y|i _]; [exact: multiple0 | exact: multipleD |]. Qed.

Lemma dividesP g x : divides g x -> multiple (val g) (val x).
Proof.
case/orP=> [|/andP[]]; first by rewrite (value_is0 R) => /eqP->; exact: multiple0.
rewrite (value_is0 R) => g0 /(integralP R)[k e]; exists k; rewrite -e valueM valueV mulfVK //.
Qed.

Lemma all_entries (P : num -> bool) (W : seq vec) i j : P zero -> all P (flatten W) -> P (nth zero (nth [::] W i) j).
Proof.
move=> P0; elim: W i => [|w W IH] [|i] /=; rewrite ?nth_nil // all_cat => /andP[Pw PW]; last exact: IH.
by have [lt_j|ge_j] := ltnP j (size w); [move/(all_nthP zero): Pw; apply | rewrite nth_default].
Qed.

Lemma unit_ofP (W : seq vec) g i j : unit_of (flatten W) = Some g -> multiple (val g) (val (nth zero (nth [::] W i) j)).
Proof.
rewrite /unit_of; case: ifP => // all_g [<-]; apply: dividesP.
by apply: (@all_entries (divides (gcd_all (flatten W)))).
Qed.

Lemma gridP m k N (s : pattern (sem R m k N)) g : grid N = Some g -> forall i j, multiple (val g) (jacobian s i j).
Proof.
elim: N k s g => [W b|W b sl rest IH] k s g /=; first by move=> /unit_ofP eg i j; rewrite mxE.
case eW: (unit_of (flatten W)) => [gw|] //; case eS: (unit_of _) => [gs|] //; case eR: (grid rest) => [gr|] // [<-] i j.
rewrite !valueM mxE; apply: multiple_sum => l; apply: multipleM; first exact: IH.
rewrite mul_diag_mx !mxE; apply: multipleM; last exact: unit_ofP eW.
have := @unit_ofP _ _ l (if s.1 l then 1%N else 0%N) eS.
have [lt_l|ge_l] := ltnP l (size sl); first by rewrite (nth_map slope0) //; case: (s.1 l).
by rewrite !(nth_default _ ge_l) (nth_default [::]) ?size_map //; case: (s.1 l).
Qed.

(* A norm of a vector of multiples of g is one too; for l2 its square is one of g^2. *)
Lemma norm_multiple q n (x : 'cV[R]_n) g : (forall i, multiple g (x i 0)) ->
  match q with L2 => multiple (g * g) (pn q x ^+ 2) | _ => multiple g (pn q x) end.
Proof.
move=> mx; case: q => /=; first by apply: multiple_sum => i; apply: multiple_abs.
  by rewrite /l2 sqr_sqrtr ?sqnorm_ge0 //; apply: multiple_sum => i; rewrite expr2; apply: multipleM.
rewrite /linf; elim/big_ind: _ => [|a b ma mb|i _]; [exact: multiple0 | | exact: multiple_abs].
by rewrite /Num.max; case: ifP.
Qed.

(* With no multiple of h in (u, e]: what is one and at most e is at most u. *)
Lemma no_multiple_between h u e y : gt0 h -> Z.eqb (floor (mul u (inv h))) (floor (mul e (inv h))) ->
  multiple (val h) y -> y <= val e -> y <= val u.
Proof.
rewrite (value_gt0 R) => h0 /Z.eqb_spec same [k ->] le_e.
have : k%:~R <= val (mul e (inv h)) by rewrite valueM valueV ler_pdivl_mulr.
move/le_floor; rewrite -same => le_k; have := le_trans le_k (floor_le R (mul u (inv h))).
by rewrite valueM valueV ler_pdivl_mulr.
Qed.

Lemma reachesP m n N (s : pattern (sem R m n N)) pq e u : 0 <= val u -> 0 <= val e -> reaches N pq e u ->
  tested pq (jacobian s) (val e) -> tested pq (jacobian s) (val u).
Proof.
move=> u0 e0 /orP[|].
  rewrite (value_le R) => le_eu; case: pq => [[] []] /= test; try by move=> i; apply: le_trans le_eu.
  by move=> v; apply: le_trans (test v) _; rewrite ler_wpmul2r // sqrtr_ge0.
have step q k (x : 'cV[R]_k) g : (forall i, multiple (val g) (x i 0)) -> is0 g || gt0 g &&
    (let power y := if q is L2 then mul y y else y in Z.eqb (floor (mul (power u) (inv (power g)))) (floor (mul (power e) (inv (power g))))) ->
    pn q x <= val e -> pn q x <= val u.
  move=> mx; have mult := norm_multiple q mx; case/orP=> [|/andP[g0]].
    rewrite (value_is0 R) => /eqP z _; have -> : x = 0 by apply/colP=> i; have [l ->] := mx i; rewrite z mulr0 mxE.
    by rewrite pn0.
  case: q mult => mult floors le_e; [exact: no_multiple_between g0 floors mult le_e | |
    exact: no_multiple_between g0 floors mult le_e].
  have gg0 : gt0 (mul g g) by move: g0; rewrite !(value_gt0 R) valueM => g0; rewrite mulr_gt0.
  have := no_multiple_between gg0 floors (y := pn L2 x ^+ 2); rewrite !valueM -!expr2 !ler_sqr ?nnegrE ?pn_ge0 //.
  by rewrite expr2; apply.
case eg: (grid N) => [g|]; last by case: pq => [[] []].
have mJ := gridP s eg.
have mult_signs k l (J : 'M[R]_(k, l)) t : (forall i j, multiple (val g) (J i j)) -> forall i, multiple (val g) ((J *m signs_of R t) i 0).
  move=> mJ' i; rewrite mxE; apply: multiple_sum => j; rewrite mxE; case: (t j); rewrite ?mulr1 ?mulrN1 //.
  exact: multipleN.
have if_or b c : (if b then true else c) = b || c by case: b.
case: pq => [[] []] //=; rewrite if_or => floors test.
- by move=> j; apply: (step L1 _ _ g _ floors (test j)) => i; rewrite mxE.
- by move=> j; apply: (step L2 _ _ g _ floors (test j)) => i; rewrite mxE.
- by move=> j; apply: (step Linf _ _ g _ floors (test j)) => i; rewrite mxE.
- by move=> t; apply: (step L2 _ _ g _ floors (test t)); apply: mult_signs => i j; rewrite mxE.
- by move=> i; apply: (step L2 _ _ g _ floors (test i)) => j; rewrite !mxE.
- by move=> t; apply: (step L1 _ _ g _ floors (test t)); apply: mult_signs.
- by move=> t; apply: (step L2 _ _ g _ floors (test t)); apply: mult_signs.
by move=> i; apply: (step L1 _ _ g _ floors (test i)) => j; rewrite !mxE.
Qed.
End Grid.
